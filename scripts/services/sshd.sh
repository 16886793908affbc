#!/usr/bin/env bash
# OpenSSH's server with SFTP and a shell, from Debian: user "windhover-sftp", password "windhover"; the keys $DIR/user_key and
# $DIR/locked_key, whose password is "a long one". It accepts the environment variables whose names begin with GREETING.
NAME=sshd PORT=${SFTP_PORT:-22022}
ADDRESS=sftp://windhover-sftp:windhover@127.0.0.1:$PORT
. "$(dirname "$0")/lib.sh"
USER_NAME=windhover-sftp
up() {
  packages openssh-server
  id $USER_NAME >/dev/null 2>&1 || useradd --system --create-home --home-dir "$DIR/home" --shell /bin/sh $USER_NAME
  usermod --home "$DIR/home" --shell /bin/sh $USER_NAME
  echo "$USER_NAME:windhover" | chpasswd
  mkdir -p "$DIR/home" /run/sshd
  chown $USER_NAME: "$DIR/home"
  [ -s "$DIR/host_key" ] || ssh-keygen -q -t ed25519 -N '' -f "$DIR/host_key"
  [ -s "$DIR/user_key" ] || ssh-keygen -q -t ed25519 -N '' -f "$DIR/user_key"
  [ -s "$DIR/locked_key" ] || ssh-keygen -q -t ecdsa -N 'a long one' -f "$DIR/locked_key"
  cat "$DIR/user_key.pub" "$DIR/locked_key.pub" >"$DIR/authorized_keys"
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
	AcceptEnv GREETING*
	C
  background "$(command -v sshd || echo /usr/sbin/sshd)" -D -e -f "$DIR/sshd_config"
}
ready() { taken; }
main "$@"
