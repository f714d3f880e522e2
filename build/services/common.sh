# What the scripts of the services share. A service keeps its data, logs and process ids in a folder of its own.

services=${SERVICES_DIR:-/tmp/filefield-services}

# True when something accepts connections on a port of this machine.
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Runs a command every fifth of a second until it succeeds, for at most 30 seconds: wait_for NAME COMMAND...
wait_for() {
  local name=$1 tries=150
  shift
  until "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ $tries -le 0 ]; then
      echo "$name took more than 30 seconds; the logs are in $services" >&2
      return 1
    fi
    sleep 0.2
  done
}

# Starts a program that stays when the terminal is closed; FOLDER/NAME.pid and FOLDER/NAME.out, where NAME is that of the
# program, get its process id and its output: run_in_background FOLDER PROGRAM ARGUMENTS...
run_in_background() {
  local folder=$1
  shift
  local name=${1##*/}
  setsid "$@" >"$folder/$name.out" 2>&1 </dev/null &
  echo $! >"$folder/$name.pid"
}

# Ends programs that run_in_background has started, and waits for them: end_programs SIGNAL FOLDER NAME...
end_programs() {
  local signal=$1 folder=$2 name pid
  shift 2
  for name in "$@"; do
    pid=$(cat "$folder/$name.pid" 2>/dev/null) || continue
    if runs "$pid" "$name"; then
      kill "-$signal" "$pid"
      wait_for "The end of $name" eval "! runs $pid $name"
    fi
    rm "$folder/$name.pid"
  done
}

# True when this process id is that of this program; another program can have the number by now. Z is a program that has
# ended, which the system has yet to forget.
runs() { [[ "$(cat "/proc/$1/stat" 2>/dev/null)" == "$1 ($2) "[^Z]* ]]; }

# A new, empty folder; it belongs to the given user when root runs the script: new_folder FOLDER USER
new_folder() {
  rm -rf "$1"
  mkdir -p "$1"
  if [ "$(id -u)" = 0 ]; then chown "$2" "$1"; fi
}
