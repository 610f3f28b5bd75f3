#!/usr/bin/env bash
# A build of the command without the emulated systems (`--no-default-features`): it compiles without a warning, and what needs
# them says so, in its help and as an error (status 2).
set -euo pipefail
cd "$(dirname "$0")/.."

cargo clippy -q -p lockstep -p lockstep-verify --no-default-features --locked -- -D warnings
cargo build -q -p lockstep --no-default-features --locked
lockstep=${CARGO_TARGET_DIR:-target}/debug/lockstep

fail() { echo "without-sandbox: $*" >&2; exit 1; }

says() { # the text, and the status of a command that says it
  local text=$1 wanted=$2 status=0 told
  shift 2
  told=$("$lockstep" "$@" 2>&1) || status=$?
  [ "$status" = "$wanted" ] || fail "lockstep $* ended with $status, not with $wanted: $told"
  case $told in *"$text"*) ;; *) fail "lockstep $* does not say '$text': $told" ;; esac
}

for what in sandbox demo; do
  says "\`lockstep $what\` works with emulated systems, which this build of lockstep leaves out" 2 "$what"
  says "This build of lockstep has no emulated systems" 0 "$what" --help
done
says "\`lockstep verify --sandbox\` works with emulated systems" 2 verify --sandbox examples/documents/poweroffice-go-wix.rst
says "(not in this build)" 0 verify --help
says "(not in this build)" 0 --help
if cargo tree -q -p lockstep --no-default-features --locked -e normal | grep -q lockstep-sandbox; then
  fail "lockstep-sandbox is a part of it all the same"
fi
