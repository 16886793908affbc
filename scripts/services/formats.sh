#!/usr/bin/env bash
# Readers of file formats that others wrote, for the tests of our writers: Apache Arrow's Parquet and openpyxl, behind HTTP. A
# file that is posted to /parquet or /excel is told as JSON.
NAME=formats PORT=${FORMATS_PORT:-29060} ADDRESS=http://127.0.0.1:${FORMATS_PORT:-29060}
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/lib.sh"
up() {
  local venv=$DIR/venv-1
  if [ ! -e "$venv/complete" ]; then
    python3 -c 'import ensurepip, venv' 2>/dev/null || packages python3 python3-venv
    rm -rf "$venv"
    python3 -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 openpyxl==3.1.5 >>"$LOG" 2>&1 || fail "pip install failed"
    touch "$venv/complete"
  fi
  background "$venv/bin/python" "$HERE/formats.py" "$PORT"
}
ready() { taken; }
main "$@"
