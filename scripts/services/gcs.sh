#!/usr/bin/env bash
# fake-gcs-server, a server that speaks the JSON API of Google Cloud Storage and keeps objects in memory, built with Go.
# Building it takes a minute or two, once.
NAME=gcs PORT=${GCS_PORT:-29110} ADDRESS=http://127.0.0.1:${GCS_PORT:-29110}
. "$(dirname "$0")/lib.sh"
VERSION=v1.56.1
up() {
  local bin=$DIR/fake-gcs-server-$VERSION
  if [ ! -x "$bin/fake-gcs-server" ]; then
    command -v go >/dev/null || fail "go is missing"
    GOBIN=$bin GOFLAGS='' CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' "github.com/fsouza/fake-gcs-server@$VERSION" >>"$LOG" 2>&1 || fail "go install failed"
  fi
  background "$bin/fake-gcs-server" -scheme http -host 127.0.0.1 -port "$PORT" -backend memory -external-url "$ADDRESS" -log-level warn
}
ready() { taken; }
main "$@"
