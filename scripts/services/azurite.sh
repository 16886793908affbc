#!/usr/bin/env bash
# Azurite, Microsoft's own server that speaks Azure Blob Storage, with the account "devstoreaccount1" and the key that is known
# for it. It needs Node.
NAME=azurite PORT=${AZURITE_PORT:-29100} ADDRESS=http://127.0.0.1:${AZURITE_PORT:-29100}
. "$(dirname "$0")/lib.sh"
VERSION=3.35.0
up() {
  local at=$DIR/azurite-$VERSION
  if [ ! -e "$at/complete" ]; then
    command -v npm >/dev/null || packages nodejs npm
    npm install --silent --no-audit --no-fund --prefix "$at" "azurite@$VERSION" >>"$LOG" 2>&1 || fail "npm install failed"
    touch "$at/complete"
  fi
  mkdir -p "$DIR/data"
  background node "$at/node_modules/azurite/dist/src/blob/main.js" --blobHost 127.0.0.1 --blobPort "$PORT" --location "$DIR/data" --silent --skipApiVersionCheck --disableTelemetry
}
ready() { taken; }
main "$@"
