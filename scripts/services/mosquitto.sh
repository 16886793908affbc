#!/usr/bin/env bash
# Mosquitto, an MQTT broker, from Debian. Sessions are kept.
NAME=mosquitto PORT=${MQTT_PORT:-21883} ADDRESS=tcp://127.0.0.1:${MQTT_PORT:-21883}
. "$(dirname "$0")/lib.sh"
up() {
  packages mosquitto
  mkdir -p "$DIR/data"
  chown mosquitto: "$DIR/data"
  printf 'listener %s 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location %s/data/\n' "$PORT" "$DIR" >"$DIR/mosquitto.conf"
  background mosquitto -c "$DIR/mosquitto.conf"
}
ready() { taken; }
main "$@"
