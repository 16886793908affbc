# What the scripts of this folder share. A script sets NAME and PORT, sources this, defines `up` (starts the server in the
# background, unless it runs, and writes its process id to $PID) and `ready` (does it answer?), and calls `main "$@"`.
#
#   start   installs what is missing, starts, waits, prints the address; does nothing when it runs already
#   stop    ends the process that start has started, and no other; its data stay
#   status  0 running, 3 stopped
#
# Data, logs and process ids are below $SERVICES_DIR. Everything listens on 127.0.0.1.
set -euo pipefail
ROOT=${SERVICES_DIR:-${TMPDIR:-/tmp}/windhover-services}
DIR=$ROOT/$NAME PID=$ROOT/$NAME/pid LOG=$ROOT/$NAME/log
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
mkdir -p "$DIR"

fail() {
  echo "$NAME: $*" >&2
  tail -n 20 "$LOG" >&2 2>/dev/null || true
  exit 1
}

# alive tells whether the process that was started runs: that id may be another process's by now.
alive() { [ -s "$PID" ] && grep -qaF -- "$DIR" "/proc/$(cat "$PID")/cmdline" 2>/dev/null; }

taken() { (: </dev/tcp/127.0.0.1/"$PORT") 2>/dev/null; }

# packages installs Debian packages without letting them start what they bring.
packages() {
  local p missing=() policy=/usr/sbin/policy-rc.d ours=
  for p in "$@"; do dpkg -s "$p" >/dev/null 2>&1 || missing+=("$p"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "these packages are missing, and there is no apt-get: ${missing[*]}"
  exec 8>"$ROOT/apt.lock"
  flock 8
  if [ ! -e $policy ]; then
    ours=yes
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
  fi
  local install=(apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 install "${missing[@]}") failed=
  { "${install[@]}" || { apt-get -qq update && "${install[@]}"; }; } >>"$LOG" 2>&1 || failed=yes
  [ -z "$ours" ] || rm -f $policy
  exec 8>&-
  [ -z "$failed" ] || fail "apt-get could not install ${missing[*]}"
}

# background starts a server that outlives this script.
background() {
  setsid "$@" >>"$LOG" 2>&1 9>&- </dev/null &
  echo $! >"$PID"
}

start() {
  exec 9>"$DIR/lock"
  flock 9
  if ! alive; then
    rm -f "$PID"
    ! taken || fail "port $PORT is taken by another process"
    : >"$LOG"
    up
  fi
  local i
  for i in $(seq 300); do
    if ready >/dev/null 2>&1; then
      ! declare -F prepare >/dev/null || prepare || fail "it could not be prepared"
      echo "$ADDRESS"
      return
    fi
    alive || [ "$i" -lt 10 ] || fail "it has ended"
    sleep 0.3
  done
  fail "no answer in 90 s"
}

stop() {
  alive || return 0
  local p i
  p=$(cat "$PID")
  kill -"${SIGNAL:-TERM}" "$p"
  for i in $(seq 150); do
    alive || break
    [ "$i" -lt 100 ] || kill -KILL "$p" 2>/dev/null || true
    sleep 0.2
  done
  rm -f "$PID"
}

main() {
  case ${1:-} in
  start) start ;;
  stop) stop ;;
  status) if alive; then echo "$ADDRESS"; else exit 3; fi ;;
  *)
    echo "usage: $0 start | stop | status" >&2
    exit 2
    ;;
  esac
}
