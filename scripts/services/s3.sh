#!/usr/bin/env bash
# Versity S3 Gateway, an S3 server over a directory, built with Go: access key "windhover", secret key "windhover-secret",
# region us-east-1, buckets "inbox" and "archive". Building it takes a minute or two, once.
NAME=s3 PORT=${S3_PORT:-29000} ADDRESS=http://127.0.0.1:${S3_PORT:-29000}
. "$(dirname "$0")/lib.sh"
VERSION=v1.8.0
up() {
  local bin=$ROOT/versitygw-$VERSION
  if [ ! -x "$bin/versitygw" ]; then
    command -v go >/dev/null || fail "go is missing"
    GOBIN=$bin GOFLAGS='' CGO_ENABLED=0 go install -trimpath -ldflags='-s -w' "github.com/versity/versitygw/cmd/versitygw@$VERSION" >>"$LOG" 2>&1 || fail "go install failed"
  fi
  mkdir -p "$DIR/data/inbox" "$DIR/data/archive" "$DIR/sidecar" # a directory is a bucket; what belongs to an object lies beside it: not every file system has attributes
  ROOT_ACCESS_KEY=windhover ROOT_SECRET_KEY=windhover-secret \
    background "$bin/versitygw" --port "127.0.0.1:$PORT" --region us-east-1 --quiet posix --sidecar "$DIR/sidecar" "$DIR/data"
}
ready() { taken; }
main "$@"
