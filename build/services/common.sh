# Functions for the scripts of the services. Each service has a folder for its data, logs and process ids.

services=${SERVICES_DIR:-/tmp/filefield-services}

# True if a server accepts connections on a port of this machine.
is_listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

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

# Starts a program that continues when the terminal is closed. Its process id is written to FOLDER/NAME.pid and its output
# to FOLDER/NAME.out, where NAME is the name of the program: run_in_background FOLDER PROGRAM ARGUMENTS...
run_in_background() {
  local folder=$1
  shift
  local name=${1##*/}
  setsid "$@" >"$folder/$name.out" 2>&1 </dev/null &
  echo $! >"$folder/$name.pid"
}

# Ends programs that run_in_background started, and waits until they have ended: end_programs SIGNAL FOLDER NAME...
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

# True if the process with this id is this program; another program can have the same id later. Z means a zombie, which has
# ended: runs PID NAME
runs() { [[ "$(cat "/proc/$1/stat" 2>/dev/null)" == "$1 ($2) "[^Z]* ]]; }

# Makes a new, empty folder, which belongs to the given user if root runs the script: new_folder FOLDER USER
new_folder() {
  rm -rf "$1"
  mkdir -p "$1"
  if [ "$(id -u)" = 0 ]; then chown "$2" "$1"; fi
}
