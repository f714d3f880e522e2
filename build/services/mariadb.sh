# MariaDB on 127.0.0.1:3306 (MARIADB_PORT), with the user `root`, no password, and the database `test`.
# Debian: apt-get install --no-install-recommends mariadb-server

mariadb_port=${MARIADB_PORT:-3306}

start_mariadb() {
  local folder=$services/mariadb program user=()
  if is_listening "$mariadb_port"; then
    echo "MariaDB is already running on port $mariadb_port"
  else
    program=$(PATH=$PATH:/usr/sbin command -v mariadbd) ||
      { echo 'MariaDB is not installed: apt-get install mariadb-server' >&2; return 1; }
    new_folder "$folder" mysql
    # The server must not run as root.
    if [ "$(id -u)" = 0 ]; then user=(--user=mysql); fi
    # `normal` is an account with an (empty) password; the default is the account of the system's user.
    mariadb-install-db --no-defaults "${user[@]}" --datadir="$folder/data" \
      --auth-root-authentication-method=normal --skip-test-db >"$folder/install.log" 2>&1
    # The data need not survive a crash of the machine, and the tests commit often. The character set is that of Debian's
    # configuration; without it MariaDB before 11.6 takes Latin-1.
    run_in_background "$folder" "$program" --no-defaults "${user[@]}" \
      --character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci \
      --datadir="$folder/data" --port="$mariadb_port" --bind-address=127.0.0.1 \
      --socket="$folder/socket" --pid-file="$folder/data/server.pid" --innodb-flush-log-at-trx-commit=0
    wait_for MariaDB is_listening "$mariadb_port"
    echo "MariaDB started on port $mariadb_port"
  fi
  mariadb --no-defaults -h 127.0.0.1 -P "$mariadb_port" -u root -e 'CREATE DATABASE IF NOT EXISTS test'
}

stop_mariadb() { end_programs TERM "$services/mariadb" mariadbd; }
