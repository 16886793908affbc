#!/usr/bin/env bash
# OpenSSH's server with SFTP, from Debian: user "windhover-sftp", password "windhover"; keys that $DIR/authorized_keys holds.
NAME=sshd PORT=${SFTP_PORT:-22022}
ADDRESS=sftp://windhover-sftp:windhover@127.0.0.1:$PORT
. "$(dirname "$0")/lib.sh"
USER_NAME=windhover-sftp
up() {
  packages openssh-server
  id $USER_NAME >/dev/null 2>&1 || useradd --system --create-home --home-dir "$DIR/home" --shell /usr/sbin/nologin $USER_NAME
  usermod --home "$DIR/home" $USER_NAME
  echo "$USER_NAME:windhover" | chpasswd
  mkdir -p "$DIR/home" /run/sshd
  chown $USER_NAME: "$DIR/home"
  [ -s "$DIR/host_key" ] || ssh-keygen -q -t ed25519 -N '' -f "$DIR/host_key"
  [ -s "$DIR/user_key" ] || ssh-keygen -q -t ed25519 -N '' -f "$DIR/user_key"
  cp "$DIR/user_key.pub" "$DIR/authorized_keys"
  chmod 644 "$DIR/authorized_keys"
  cat >"$DIR/sshd_config" <<-C
	ListenAddress 127.0.0.1
	Port $PORT
	HostKey $DIR/host_key
	PidFile none
	UsePAM no
	StrictModes no
	AuthorizedKeysFile $DIR/authorized_keys
	AllowUsers $USER_NAME
	Subsystem sftp internal-sftp
	ForceCommand internal-sftp
	C
  background "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f "$DIR/sshd_config"
}
ready() { taken; }
main "$@"
