#!/usr/bin/env bash
# The API server of Kubernetes over an etcd of its own; the token "windhover" may do everything. There is no node: tests play
# one. Building it takes a quarter of an hour, once, so scripts/test.sh starts it with --all only.
NAME=kubernetes PORT=${KUBERNETES_PORT:-26443} ADDRESS=https://127.0.0.1:${KUBERNETES_PORT:-26443}
. "$(dirname "$0")/lib.sh"
VERSION=1.37.2
BIN=$ROOT/kube-apiserver-$VERSION ETCD=$((PORT + 1))

# build builds the server in a module of its own: the one that it is in cannot be installed by its name, as it replaces others.
build() {
  [ ! -x "$BIN/kube-apiserver" ] || return 0
  command -v go >/dev/null || fail "go is missing"
  mkdir -p "$BIN/src"
  (
    cd "$BIN/src"
    mod=$(go mod download -json "k8s.io/kubernetes@v$VERSION" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
    {
      echo "module local/kubernetes"
      grep -E '^(go|godebug) ' "$mod"
      echo "require k8s.io/kubernetes v$VERSION"
      sed -nE "s|^\s+(k8s.io/[a-z0-9-]+) => ./staging.*|replace \1 => \1 v0.${VERSION#*.}|p" "$mod"
    } >go.mod
    printf '//go:build tools\n\npackage tools\n\nimport _ "k8s.io/kubernetes/cmd/kube-apiserver"\n' >tools.go
    export GOFLAGS=-mod=mod CGO_ENABLED=0
    go mod tidy && go build -trimpath -ldflags='-s -w' -o "$BIN/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
  ) >>"$LOG" 2>&1 || fail "it could not be built"
}

up() {
  packages etcd-server openssl
  build
  rm -rf "$DIR/etcd" "$DIR/certificates"
  [ -s "$DIR/key" ] || openssl genrsa -out "$DIR/key" 2048 2>>"$LOG"
  openssl rsa -in "$DIR/key" -pubout -out "$DIR/key.pub" 2>>"$LOG"
  echo 'windhover,admin,1,"system:masters"' >"$DIR/tokens.csv"
  # etcd ends with the server: both are one process group
  background bash -c '
    etcd --data-dir "$1/etcd" --listen-client-urls "http://127.0.0.1:$2" --advertise-client-urls "http://127.0.0.1:$2" \
      --listen-peer-urls "http://127.0.0.1:$(($2 + 1))" &
    etcd=$!
    "$3/kube-apiserver" --etcd-servers="http://127.0.0.1:$2" --bind-address=127.0.0.1 --secure-port="$4" --cert-dir="$1/certificates" \
      --service-account-issuer=https://127.0.0.1 --service-account-signing-key-file="$1/key" --service-account-key-file="$1/key.pub" \
      --token-auth-file="$1/tokens.csv" --authorization-mode=RBAC --service-cluster-ip-range=10.0.0.0/24 \
      --disable-admission-plugins=ServiceAccount &
    server=$!
    trap "kill $server; wait $server; kill $etcd; wait $etcd; exit" TERM
    wait' kubernetes "$DIR" "$ETCD" "$BIN" "$PORT"
}
ready() { curl -fsk -H 'Authorization: Bearer windhover' "$ADDRESS/readyz" && curl -fsk -H 'Authorization: Bearer windhover' "$ADDRESS/api/v1/namespaces/default"; }
main "$@"
