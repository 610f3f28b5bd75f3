#!/usr/bin/env bash
# bench/run.sh N [DIR]: whole runs on two `files` systems of N records each, half of them the same people.
# Prints wall time and peak memory of the first run, of one with nothing changed, of one with 1 % changed, with the shares of
# parsing, deciding, storing and writing; and the floor (bench/src/floor.rs) on the same data.
# The data and the project are those of ../shared/bench, which must be there.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
n=${1:?usage: bench/run.sh N [DIR]}
dir=${2:-$(mktemp -d)}
data=$here/../shared/bench
[ -d "$data" ] || { echo "the data generator is not there: $data" >&2; exit 2; }
cd "$here"
cargo build --release --quiet -p lockstep -p lockstep-bench
target=${CARGO_TARGET_DIR:-target}/release
"$data/prepare.sh" "$n" "$dir"
timed() { # a label, a command
  local label=$1; shift
  /usr/bin/time -f "%e s, %M KB" -o "$dir/time" "$@" > "$dir/out" 2> "$dir/err" || { echo "failed: $*"; tail -5 "$dir/err"; }
  printf '%-18s %s\n' "$label" "$(tail -1 "$dir/time")"
  sed -n '/^time:/,$p' "$dir/out" | sed 's/^/    /'
}
echo "N = $n records a side, $(nproc) cores"
timed floor "$target/floor" "$dir"; cat "$dir/out"
timed "first run" "$target/lockstep" sync -C "$dir" --shares
timed "nothing changed" "$target/lockstep" sync -C "$dir" --shares
"$data/change.py" "$dir" > /dev/null
timed "1 % changed" "$target/lockstep" sync -C "$dir" --shares
timed "nothing changed" "$target/lockstep" sync -C "$dir" --shares
wc -l "$dir/a/Contacts.jsonl" "$dir/b/Person.jsonl" | sed 's/^/    /'
