#!/usr/bin/env bash
# Builds the image of a binary and looks at it: what skopeo says of it, what is in it, and that the binary runs below its
# root as 65532 (needs root for that).
#
#   deploy/oci/check.sh target/debug/lockstep
set -euo pipefail
binary="${1:?which binary: deploy/oci/check.sh target/debug/lockstep}"
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

"$here/build.sh" "$binary" "$work/image.tar"
mkdir "$work/image"
tar -C "$work/image" -xf "$work/image.tar"
version="$("$binary" --version | cut -d' ' -f2)"
config="$(skopeo inspect --config "oci:$work/image:$version")"
for said in '"User": *"65532:65532"' '"/usr/bin/lockstep"' '"WorkingDir": *"/project"'; do
  grep -Eq "$said" <<<"$config" || fail "the image does not say $said: $config"
done
umoci unpack --rootless --image "$work/image:$version" "$work/bundle" >/dev/null
root="$work/bundle/rootfs"
find "$root" -type f \( -name sh -o -name bash \) | grep . && fail "there is a shell in it"
find "$root" -type f -perm /022 | grep . && fail "others may write these"
chmod 755 "$work" "$work/bundle" "$root"
found="$(chroot --userspec=65532:65532 "$root" /usr/bin/lockstep --version)" || fail "it does not run below its root"
[ "$found" = "$("$binary" --version)" ] || fail "it says $found"
echo "it runs as 65532 and says $found"
