#!/usr/bin/env bash
# Breaks the code on purpose, one rule at a time, and sees whether the named test or checker notices.
#
#   mutations/run.sh             all mutations
#   mutations/run.sh P5 L7       those of these rules
#   mutations/run.sh --check     tries nothing; tells which of them no longer fit the code
#
# A mutation is a file beside this script: its rule, what it breaks, the command that must fail because of it, and pieces of text, each
# of which must stand in its file exactly once, with what takes their place. Each is applied to a scratch clone of what is committed, by
# itself; the clone is thrown away in the end. What is built is kept in $MUTATIONS_TARGET, if that is set, else thrown away too.
# Prints a table in Markdown; exit status 1 if a mutation was not caught, or could not be applied or built.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git clone --quiet --shared "$root" "$scratch/code" || exit 2
cd "$scratch/code" || exit 2
export CARGO_TARGET_DIR=${MUTATIONS_TARGET:-$scratch/target}

# The head of a mutation's file, and its pieces one by one, applied in order; fails where a text does not stand there exactly once.
field() { sed -n "s/^$2: //p" "$1" | head -1; }
apply() {
    perl -e '
        local $/; open(my $in, "<", $ARGV[0]) or die; my $all = <$in>;
        $all =~ s/\n===\n.*//s;
        my @pieces = split(/^--- /m, $all); shift @pieces;
        for (@pieces) {
            my ($file, $old, $new) = /\A(\S+)\n(.*?)\n\+\+\+(?:\n(.*))?\z/s or die "not understood: $_";
            $new //= ""; $new =~ s/\n\z//;
            open(my $code, "<", $file) or die "$file: $!"; my $text = <$code>; close $code;
            my $count = () = $text =~ /\Q$old\E/g;
            die "$file holds it $count times:\n$old\n" unless $count == 1;
            my $at = index($text, $old);
            substr($text, $at, length $old) = $new;
            open($code, ">", $file) or die; print $code $text;
        }' "$1"
}

# Builds what a command is about to run, so that a mutation that does not compile is not taken for one that was caught.
built() {
    case $1 in
    *"cargo run"*) cargo build -q -p simulation ;;
    *) ${1} --no-run ;;
    esac
}

# Whether a test has a name that the filter of a command, `module::beginning`, finds: one that finds none passes whatever is broken.
tested() {
    local filter=${1##* } name module
    case $filter in *::*) ;; *) return 0 ;; esac
    name=${filter##*::} module=${filter%::*} module=${module##*::}
    grep -rlE "fn [a-z0-9_]*$name" crates --include='*.rs' | grep -qE "(^|/)$module(/|\.rs$)" && return
    # A module within a file.
    grep -rlE "fn [a-z0-9_]*$name" crates --include='*.rs' | xargs -r grep -lE "mod $module\b" | grep -q . && return
    # All tests of a module.
    find crates -path "*/$module/$name*" -name '*.rs' | grep -q .
}

if [ "${1:-}" = --check ]; then
    failed=0
    for file in "$here"/*.txt; do
        if ! tested "$(field "$file" 'caught by')"; then
            echo "$(basename "$file") names no test that is there: $(field "$file" 'caught by')" >&2
            failed=1
        fi
        git checkout --quiet .
        if ! apply "$file" 2>"$scratch/why"; then
            echo "$(basename "$file") no longer fits the code: $(head -3 "$scratch/why")" >&2
            failed=1
        fi
    done
    exit $failed
fi

# What fails without any mutation shows nothing.
for command in $(sed -n 's/^caught by: cargo run .*--from/--from/p' "$here"/*.txt | grep -v forget | sort -u | tr ' ' '_'); do
    if ! cargo run -q -p simulation -- ${command//_/ } >"$scratch/out" 2>&1; then
        echo "the simulation fails without any mutation: ${command//_/ }" >&2
        exit 2
    fi
done

echo "| rule | mutation | caught by | came to |"
echo "| --- | --- | --- | --- |"
failed=0
for file in $(ls "$here"/*.txt | sort -V); do
    rule=$(field "$file" rule) what=$(field "$file" what) command=$(field "$file" 'caught by')
    if [ $# -gt 0 ] && ! printf '%s\n' "$@" | grep -qx "$rule"; then continue; fi
    git checkout --quiet .
    if ! apply "$file" 2>"$scratch/why"; then
        came="not applied: $(tr '\n' ' ' <"$scratch/why" | cut -c1-120)" failed=1
    elif ! built "$command" >/dev/null 2>"$scratch/why"; then
        came="does not build" failed=1
    elif $command >"$scratch/out" 2>&1; then
        came="**not caught**" failed=1
    else
        # The first test that failed, or the first checker that fired.
        came=$(sed -nE "s/^thread '([^']+)'.* panicked.*/\1/p; s/^  ([a-z][a-z ]+): .*/\1/p" "$scratch/out" | grep -v -E '^(the hub|again|what happened)' | head -1)
        came="${came:-failed}"
    fi
    echo "| $rule | $what | \`$command\` | $came |"
done
exit $failed
