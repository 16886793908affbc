#!/usr/bin/env bash
# MariaDB, from Debian: user, password and database "windhover".
NAME=mariadb PORT=${MARIADB_PORT:-23306}
ADDRESS="mysql://windhover:windhover@127.0.0.1:$PORT/windhover"
. "$(dirname "$0")/lib.sh"
up() {
  packages mariadb-server mariadb-client
  chown mysql: "$DIR"
  if [ ! -d "$DIR/data/mysql" ]; then
    rm -rf "$DIR/data"
    mkdir -p "$DIR/data"
    chown mysql: "$DIR/data"
    mariadb-install-db --no-defaults --user=mysql --datadir="$DIR/data" --auth-root-authentication-method=socket --skip-test-db >>"$LOG" 2>&1 || fail "mariadb-install-db failed"
  fi
  background mariadbd --no-defaults --user=mysql --datadir="$DIR/data" --bind-address=127.0.0.1 --port="$PORT" --socket="$DIR/socket" \
    --pid-file="$DIR/data/mariadbd.pid" --skip-name-resolve --character-set-server=utf8mb4
}
sql() { mariadb --no-defaults -S "$DIR/socket" -u root -e "$1"; }
ready() { sql 'select 1'; }
prepare() { sql "create database if not exists windhover; create user if not exists windhover@'%' identified by 'windhover'; grant all on *.* to windhover@'%'"; }
main "$@"
