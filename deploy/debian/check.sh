#!/usr/bin/env bash
# Builds the package of a binary, of whatever profile, into a folder of its own, installs it below an empty root, looks at
# what is there, upgrades, removes and purges it. Needs root; nothing of this machine is changed.
#
#   deploy/debian/check.sh target/debug/lockstep
set -euo pipefail
binary="${1:?which binary: deploy/debian/check.sh target/debug/lockstep}"
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
root="$work/root"

fail() { echo "FAILED: $*" >&2; exit 1; }
there() { [ -e "$root/$1" ] || fail "$1 is not there"; }
gone() { [ ! -e "$root/$1" ] || fail "$1 is there still"; }
has_user() { grep -q '^lockstep:x:[0-9]*:[0-9]*:Lockstep:/var/lib/lockstep:/usr/sbin/nologin$' "$root/etc/passwd"; }

# How well it is packed is not looked at.
export LOCKSTEP_DEB_LEVEL=0
package="$("$here/build.sh" "$binary" "$work")"
again="$(mkdir "$work/again" && "$here/build.sh" "$binary" "$work/again")"
cmp "$package" "$again" || fail "the same input gives another package"

mkdir -p "$root/etc" "$root/var/lib/dpkg/"{info,updates,triggers} "$root/var/log"
touch "$root/var/lib/dpkg/status" "$root/var/lib/dpkg/available"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
touch "$root/etc/shadow" "$root/etc/gshadow"
below() { # The libraries that it depends on are this machine's.
  dpkg --root="$root" --force-script-chrootless --force-depends "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "dpkg $*"; }
}

below -i "$package"
for file in usr/bin/lockstep usr/lib/systemd/system/lockstep.service usr/share/man/man1/lockstep.1.gz \
  usr/share/man/man1/lockstep-run.1.gz usr/share/bash-completion/completions/lockstep usr/share/zsh/vendor-completions/_lockstep \
  usr/share/fish/vendor_completions.d/lockstep.fish usr/share/doc/lockstep/copyright usr/share/doc/lockstep/NEWS.md.gz \
  usr/share/doc/lockstep/examples/alerts.yml; do
  there "$file"
  [ -s "$root/$file" ] || fail "$file is empty"
done
has_user || fail "the user lockstep is not as it is to be: $(grep lockstep "$root/etc/passwd")"
[ "$(stat -c '%a %u' "$root/var/lib/lockstep")" = "700 $(grep '^lockstep:' "$root/etc/passwd" | cut -d: -f3)" ] ||
  fail "the folder of the project is open to others"
find "$root/usr" -type f -perm /022 | grep . && fail "others may write these"
"$root/usr/bin/lockstep" --version | grep -q . || fail "it does not run"
man="$(gzip -dc "$root/usr/share/man/man1/lockstep.1.gz" | head -5)"
case "$man" in *.TH*) ;; *) fail "the manual page is none" ;; esac
dpkg --root="$root" --verify lockstep || fail "what is installed is not what the package says"

# An upgrade leaves user and project as they are.
echo 'systems: {}' >"$root/var/lib/lockstep/lockstep.yaml"
before="$(cat "$root/etc/passwd")"
below -i "$package"
[ "$before" = "$(cat "$root/etc/passwd")" ] || fail "an upgrade has changed the users"

below -r lockstep
gone usr/bin/lockstep
there var/lib/lockstep/lockstep.yaml
below -P lockstep
there var/lib/lockstep/lockstep.yaml
has_user || fail "the user of a project that is left is gone"
grep -q 'are left' "$work/log" || fail "that the project is left is not told"

rm "$root/var/lib/lockstep/lockstep.yaml"
below -i "$package"
below -P lockstep
gone var/lib/lockstep
has_user && fail "the user is left though nothing else is"

if command -v systemd-analyze >/dev/null 2>&1; then
  unit="$here/../systemd/lockstep.service"
  worth="$(systemd-analyze security --offline=true "$unit" | sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p')"
  awk -v worth="$worth" 'BEGIN { exit !(worth != "" && worth <= 1.5) }' || fail "systemd-analyze security: $worth, wanted is 1.5"
  echo "systemd-analyze security: $worth"
fi
if command -v lintian >/dev/null 2>&1; then
  lintian --fail-on error --tag-display-limit 0 "$package" || fail "lintian finds errors"
fi
echo "the package holds: $(du -k "$package" | cut -f1) KiB"
