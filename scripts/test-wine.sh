#!/usr/bin/env bash
# Runs the Windows build under Wine: the command line, and `server local` with tasks that run processes. Whatever it needs from
# Debian is installed, everything else is below a temporary directory, and nothing is left running.
#
# What Windows can and Debian's Wine cannot, and what is therefore not looked at:
#   * Wine before 9 has no bcryptprimitives.dll, without which no Go program starts: one that hands over to advapi32 is made.
#   * Wine before 9 answers "invalid function" where Go asks it to delete a file within a directory, so that directories
#     are not removed: the server's warnings of that are let pass, and nothing that deletes files is tried.
#   * Wine's cmd.exe expands the value of a variable once more, so that no path holds a percent sign.
#   * Without a screen there are no consoles: commands cannot be asked to end, chcp fails, and text that is not ASCII is garbled.
NAME=wine PORT=
cd "$(dirname "$0")/.."
. scripts/services/lib.sh

: >"$LOG"
packages wine wine64 binutils-mingw-w64-x86-64 python3
tmp=$(mktemp -d)
export WINEPREFIX=$tmp/prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml=' TMPDIR=$tmp
unset DISPLAY WAYLAND_DISPLAY
cleanup() {
  wineserver -k 2>/dev/null || true # ends what runs in this prefix, and nothing else
  wineserver -w 2>/dev/null || true
  rm -rf "$tmp"
}
trap cleanup EXIT

GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go build -o "$tmp/windhover.exe" ./cmd/windhover
echo "the Windows build: built"
timeout 300 wineboot --init >>"$LOG" 2>&1 || fail "wine could not make its directory"
system=$WINEPREFIX/drive_c/windows/system32
if [ ! -e "$system/bcryptprimitives.dll" ]; then
  printf 'LIBRARY bcryptprimitives.dll\nEXPORTS\n  ProcessPrng = ADVAPI32.SystemFunction036\n' >"$tmp/bcryptprimitives.def"
  x86_64-w64-mingw32-ld -shared --entry 0 -o "$system/bcryptprimitives.dll" "$tmp/bcryptprimitives.def"
fi
python3 scripts/wine_test.py "$tmp"
