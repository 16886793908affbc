#!/usr/bin/env bash
# Runs the tests and prints a plain summary. With --all also what takes long.
set -uo pipefail
cd "$(dirname "$0")/.."
all=${1:-}
passed=0 failed=0 failures=()

step() { # name, command…
  local name=$1 began=$SECONDS
  shift
  echo "== $name"
  if "$@"; then
    passed=$((passed + 1))
    echo "== $name: passed in $((SECONDS - began)) s"
  else
    failed=$((failed + 1))
    failures+=("$name")
    echo "== $name: FAILED after $((SECONDS - began)) s"
  fi
}

format() {
  local bad
  bad=$(gofmt -l cmd internal sdk e2e 2>/dev/null)
  [ -z "$bad" ] || { echo "not formatted: $bad"; return 1; }
}

# python installs what the Python client's test needs, where it is missing and can be installed.
python() {
  python3 -c 'import ensurepip, venv' 2>/dev/null && return
  command -v apt-get >/dev/null || { echo "python3 with venv is required"; return 1; }
  apt-get update -qq && apt-get install -y -qq python3 python3-venv
}

clients() { python && ./scripts/test-kestrapy.sh; }

# services starts the real servers that tests talk to. One that cannot be had here is told of, and its tests are skipped.
started=()
services() {
  local s logs pids=()
  logs=$(mktemp -d)
  for s in scripts/services/*.sh; do
    s=$(basename "$s" .sh)
    [ "$s" != lib ] || continue
    if [ "$s" = kubernetes ] && [ "$all" != --all ]; then
      echo "kubernetes takes a quarter of an hour to build, and is started with --all only: its tests are SKIPPED"
      continue
    fi
    "scripts/services/$s.sh" status >/dev/null && continue # it is somebody's, who ends it too
    started+=("$s")
    "scripts/services/$s.sh" start >"$logs/$s" 2>&1 &
    pids+=($!)
  done
  for s in "${!pids[@]}"; do
    if wait "${pids[$s]}"; then
      echo "${started[$s]} runs"
    else
      echo "${started[$s]} COULD NOT BE STARTED: its tests are SKIPPED"
      cat "$logs/${started[$s]}"
    fi
  done
  rm -rf "$logs"
}
stop_services() {
  local s
  for s in "${started[@]}"; do "scripts/services/$s.sh" stop; done
}
trap stop_services EXIT

step "format" format
step "vet" go vet ./...
step "build" make -s build
step "lint" ./scripts/lint.sh
step "services" services
step "go tests" go test ./...
step "clients" clients
if [ "$all" = --all ]; then
  step "race" env CGO_ENABLED=1 go test -race ./...
  step "fuzz" ./scripts/fuzz.sh
  step "long" env WINDHOVER_LONG=1 go test -timeout 120m ./e2e/schedule
  step "release" ./scripts/release.sh test
  step "windows" ./scripts/test-wine.sh
fi
[ ${#failures[@]} -eq 0 ] || printf 'failed: %s\n' "${failures[@]}"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
