#!/usr/bin/env bash
# Redis, from Debian.
NAME=redis PORT=${REDIS_PORT:-26379} ADDRESS=redis://127.0.0.1:${REDIS_PORT:-26379}/0
. "$(dirname "$0")/lib.sh"
up() {
  packages redis-server redis-tools
  mkdir -p "$DIR/data"
  # the configuration is a file, so that the command line, which Redis rewrites, still names the directory
  printf 'bind 127.0.0.1\nport %s\ndir %s/data\nappendonly yes\nset-proc-title no\n' "$PORT" "$DIR" >"$DIR/redis.conf"
  background redis-server "$DIR/redis.conf"
}
ready() { [ "$(redis-cli -h 127.0.0.1 -p "$PORT" ping)" = PONG ]; }
main "$@"
