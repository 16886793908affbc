#!/usr/bin/env bash
# Measures bin/windhover through its REST API on SQLite with durable acknowledgement, the client on the same machine.
# The machine's limits are measured in the same run, since the figures mean little without them.
set -euo pipefail
cd "$(dirname "$0")/.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go build -o "$tmp/limits" ./bench/limits
go build -o "$tmp/load" ./bench/load
go build -o "$tmp/idle" ./bench/idle
go build -o "$tmp/lists" ./bench/lists
go build -o "$tmp/schedules" ./bench/schedules
go build -o "$tmp/spawn" ./bench/spawn
server=bin/windhover
port=18090
if address=$(scripts/services/docker.sh status); then export DOCKER_HOST=${DOCKER_HOST:-$address}; fi

figure() { # title, arguments of load…
  printf '%s\t' "$1"
  shift
  "$tmp/load" -url "http://127.0.0.1:$port" -server "$server" "$@" | tail -1
}

uname -srm
nproc | sed 's/$/ cores/'
"$tmp/limits"
figure "one task, 64 clients, each waits for the end" -n 20000 -clients 64
figure "one task, 256 clients, each waits for the end" -n 20000 -clients 256
figure "one task, 64 clients, acknowledged" -n 20000 -clients 64 -wait=false
figure "one task, one client" -n 2000 -clients 1
figure "burst of 10,000 accepted, then drained" -n 10000 -clients 256 -wait=false
figure "40 tasks in a row" -source bench/flows/chain40.yaml -flow bench.chain40 -n 100 -clients 1
figure "ForEach of 100" -source bench/flows/foreach100.yaml -flow bench.foreach100 -n 50 -clients 1
figure "ForEach of 1,000" -source bench/flows/foreach1000.yaml -flow bench.foreach1000 -n 20 -clients 1
figure "ForEach of 10,000" -source bench/flows/foreach10000.yaml -flow bench.foreach10000 -n 5 -clients 1
figure "ForEach 10 × 10 × 10, two tasks" -source bench/flows/nested.yaml -flow bench.nested -n 20 -clients 1
figure "two tasks, 1,500 begun a second in an open loop" -source bench/flows/two.yaml -flow bench.two -rate 1500 -n 30000 -clients 512
"$tmp/idle" -server "$server" -url "http://127.0.0.1:$port"
"$tmp/schedules" -server "$server" -url "http://127.0.0.1:$port"
"$tmp/spawn" -server "$server" -url "http://127.0.0.1:$port"
if [ "${BENCH_LONG:-}" != "" ]; then
  figure "100,000 in a row, 64 clients" -n 100000 -clients 64
  "$tmp/lists" -server "$server" -url "http://127.0.0.1:$port" -n 1000000
fi
"$tmp/limits"
