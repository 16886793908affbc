#!/usr/bin/env bash
# PostgreSQL, from Debian: user, password and database "windhover".
NAME=postgres PORT=${POSTGRES_PORT:-25432} SIGNAL=INT # which does not wait for clients
ADDRESS=postgres://windhover:windhover@127.0.0.1:$PORT/windhover?sslmode=disable
. "$(dirname "$0")/lib.sh"
programs() { ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1; }
up() {
  packages postgresql postgresql-client
  chown postgres: "$DIR"
  local bin
  bin=$(programs)
  if [ ! -s "$DIR/data/PG_VERSION" ]; then
    rm -rf "$DIR/data"
    runuser -u postgres -- "$bin/initdb" -D "$DIR/data" -U postgres -E UTF8 --auth-local=trust --auth-host=scram-sha-256 >>"$LOG" 2>&1 || fail "initdb failed"
  fi
  # setpriv becomes the server, so that the id is the server's
  background setpriv --reuid=postgres --regid=postgres --init-groups "$bin/postgres" -D "$DIR/data" -p "$PORT" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories="$DIR" -c max_connections=300
}
sql() { psql -qtAX -h "$DIR" -p "$PORT" -U postgres -d postgres -v ON_ERROR_STOP=1 -c "$1"; }
ready() { sql 'select 1'; }
prepare() {
  [ "$(sql "select 1 from pg_roles where rolname = 'windhover'")" = 1 ] || sql "create role windhover superuser login password 'windhover'"
  [ "$(sql "select 1 from pg_database where datname = 'windhover'")" = 1 ] || sql 'create database windhover owner windhover'
}
main "$@"
