# PostgreSQL on 127.0.0.1:5432 (PGPORT), with the user `postgres`, no password, and the database `test`.
# Debian: apt-get install --no-install-recommends postgresql

postgres_port=${PGPORT:-5432}

start_postgres() {
  local programs as_postgres=()
  if is_listening "$postgres_port"; then
    echo "PostgreSQL is already running on port $postgres_port"
  else
    programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1) || true
    [ -n "$programs" ] || { echo 'PostgreSQL is not installed: apt-get install postgresql' >&2; return 1; }
    # The server refuses to run as root.
    if [ "$(id -u)" = 0 ]; then as_postgres=(runuser -u postgres --); fi
    new_folder "$services/postgres" postgres
    (
      cd "$services/postgres"
      "${as_postgres[@]}" "$programs/initdb" -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >initdb.log
      # The data need not survive a crash of the machine, and the tests commit often.
      "${as_postgres[@]}" "$programs/pg_ctl" -D data -l log -w -o \
        "-p $postgres_port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off" start >/dev/null
    )
    echo "PostgreSQL started on port $postgres_port"
  fi
  [ -n "$(postgres_query "SELECT 1 FROM pg_database WHERE datname = 'test'")" ] ||
    postgres_query 'CREATE DATABASE test'
}

postgres_query() { psql -qAt -h 127.0.0.1 -p "$postgres_port" -U postgres -d postgres -c "$1"; }

stop_postgres() {
  local pidfile=$services/postgres/data/postmaster.pid
  [ -s "$pidfile" ] || return 0
  # SIGINT closes open connections; the first line of the file is the process id.
  kill -INT "$(head -n 1 "$pidfile")" 2>/dev/null || true
  wait_for 'The end of PostgreSQL' test ! -e "$pidfile"
}
