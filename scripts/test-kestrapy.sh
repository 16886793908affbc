#!/usr/bin/env bash
# Runs the published Python client against a server of its own: bin/windhover, or the binary that is named.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${1:-bin/windhover}
client=kestrapy==1.3.1
undeclared=regex==2026.11.15 # which the client imports without asking for it
tmp=$(mktemp -d)
pid=
cleanup() {
  [ -z "$pid" ] || { kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; } || true
  rm -rf "$tmp"
}
trap cleanup EXIT

venv=${KESTRAPY_VENV:-$tmp/venv}
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "$client" "$undeclared"
fi
port=$("$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
"$binary" server local --memory --port "$port" >"$tmp/server.log" 2>&1 &
pid=$!
for _ in $(seq 100); do
  "$venv/bin/python" -c "import urllib.request; urllib.request.urlopen('$url/health', timeout=1)" 2>/dev/null && break
  kill -0 "$pid" 2>/dev/null || { cat "$tmp/server.log"; exit 1; }
done
"$venv/bin/python" scripts/kestrapy_test.py "$url" || { tail -20 "$tmp/server.log"; exit 1; }
