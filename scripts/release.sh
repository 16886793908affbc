#!/usr/bin/env bash
# Builds the binaries for every platform into dist/: release.sh VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:?a version is required}
ldflags="-s -w -X github.com/windhover-io/windhover/internal/app.Version=$version"
mkdir -p dist
for os in linux darwin windows; do
  for arch in amd64 arm64; do
    ext=
    [ "$os" != windows ] || ext=.exe
    echo "$os/$arch"
    for cmd in windhover windhover-cloud; do
      CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -ldflags "$ldflags" -o "dist/$cmd-$os-$arch$ext" "./cmd/$cmd"
    done
  done
done
(cd dist && sha256sum windhover-* > SHA256SUMS)
