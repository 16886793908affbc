#!/usr/bin/env bash
# Docker Engine, from Debian, as root: an engine of its own beside any other, with its socket, its bridge and its data below
# $SERVICES_DIR. It changes no firewall: containers reach each other and this machine, and published ports go through a
# process. There is no registry; the image busybox:latest is made from this machine's own busybox and bash, and ubuntu:latest is
# another name of it. Stopping it removes containers, mounts, the bridge and the data.
NAME=docker
. "$(dirname "$0")/lib.sh"
SOCKET=$DIR/docker.sock ADDRESS=unix://$DIR/docker.sock BRIDGE=${DOCKER_BRIDGE:-windhover0} SUBNET=${DOCKER_SUBNET:-172.29.77.1/24}

taken() { false; } # a socket in our own directory is nobody else's

engine() { timeout 60 docker --host "$ADDRESS" "$@"; }

up() {
  [ "$(id -u)" = 0 ] || fail "an engine needs root"
  packages iproute2 iptables
  command -v docker >/dev/null && command -v dockerd >/dev/null || packages docker.io
  if ! ip link show "$BRIDGE" >/dev/null 2>&1; then
    { ip link add "$BRIDGE" type bridge && ip addr add "$SUBNET" dev "$BRIDGE" && ip link set "$BRIDGE" up; } >>"$LOG" 2>&1 ||
      fail "no bridge can be made here"
  fi
  background dockerd --data-root "$DIR/data" --exec-root "$DIR/exec" --pidfile "$DIR/dockerd.pid" --host "$ADDRESS" \
    --exec-opt native.cgroupdriver=cgroupfs --bridge "$BRIDGE" --iptables=false --ip-masq=false --ip-forward=false
}

ready() { engine version; }

# prepare makes the image, unless it is there.
prepare() {
  engine image inspect ubuntu:latest >/dev/null 2>&1 && return
  command -v busybox >/dev/null || packages busybox
  local root=$DIR/image program library
  rm -rf "$root"
  mkdir -p "$root"/{bin,etc,tmp,root,proc,sys,dev}
  chmod 1777 "$root/tmp"
  for program in busybox bash; do
    cp "$(readlink -f "$(command -v $program)")" "$root/bin/$program"
    for library in $( (ldd "$root/bin/$program" || true) 2>/dev/null | grep -o '/[^ ]*'); do
      install -D "$(readlink -f "$library")" "$root$library"
    done
  done
  for program in $("$root/bin/busybox" --list); do
    [ -e "$root/bin/$program" ] || ln -s busybox "$root/bin/$program"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  tar -C "$root" -c . | engine import -c 'CMD ["sh"]' -c 'ENV PATH=/bin' - busybox:latest >>"$LOG"
  rm -rf "$root"
  engine tag busybox:latest ubuntu:latest
}

# The engine ends its containers when it is asked to; what it is killed over would stay.
clean() {
  local containers
  alive && containers=$(engine ps -aq 2>/dev/null) && [ -n "$containers" ] && engine rm -fv $containers >/dev/null 2>&1 || true
  stop
  local mount
  { grep -o " $DIR[^ ]* " /proc/mounts || true; } | sort -r | while read -r mount; do umount -l "$mount"; done
  ip link del "$BRIDGE" 2>/dev/null || true
  rm -rf "$DIR/data" "$DIR/exec" "$SOCKET"
  return 0
}

case ${1:-} in
stop) clean ;;
*) main "$@" ;;
esac
