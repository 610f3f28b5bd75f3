#!/usr/bin/env bash
# Builds an OCI image of a binary that is built already, from scratch, without a daemon and without root; needs umoci:
#
#   cargo build --profile dist && deploy/oci/build.sh target/dist/lockstep lockstep.oci.tar
#
# In it are the binary, the libraries that it is linked with, and certificates; no shell. It runs as 65532 on a project in
# /project, with a read-only root: `podman run --read-only -v ./project:/project lockstep`.
set -euo pipefail
binary="$(realpath "${1:?which binary: deploy/oci/build.sh target/dist/lockstep lockstep.oci.tar}")"
archive="$(realpath "${2:?into which file: deploy/oci/build.sh target/dist/lockstep lockstep.oci.tar}")"
command -v umoci >/dev/null || { echo "umoci is missing: apt-get install umoci" >&2; exit 2; }
certificates="${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}"
[ -e "$certificates" ] || { echo "$certificates is missing: apt-get install ca-certificates" >&2; exit 2; }
version="$("$binary" --version | cut -d' ' -f2)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
umask 022

umoci init --layout "$work/image"
umoci new --image "$work/image:$version"
umoci unpack --rootless --image "$work/image:$version" "$work/bundle" >/dev/null
root="$work/bundle/rootfs"
install -D -m 755 "$binary" "$root/usr/bin/lockstep"
strip --strip-unneeded "$root/usr/bin/lockstep" 2>/dev/null || true
# The loader and the libraries, each at the path by which it is looked for.
{ ldd "$binary" 2>/dev/null || true; } | grep -o '/[^ ]*' | while read -r library; do
  install -D -m 755 "$(realpath "$library")" "$root$library"
done
install -D -m 644 "$(realpath "$certificates")" "$root/etc/ssl/certs/ca-certificates.crt"
printf 'lockstep:x:65532:65532:Lockstep:/project:/nonexistent\n' >"$root/etc/passwd"
printf 'lockstep:x:65532:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
mkdir -p "$root/project"
umoci repack --image "$work/image:$version" "$work/bundle" >/dev/null
umoci config --image "$work/image:$version" --author "the authors of Lockstep" --config.user 65532:65532 \
  --config.workingdir /project --config.volume /project --config.entrypoint /usr/bin/lockstep --config.cmd run \
  --config.env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt --config.label org.opencontainers.image.title=lockstep \
  --config.label "org.opencontainers.image.version=$version" --config.label org.opencontainers.image.licenses=Apache-2.0
umoci gc --layout "$work/image"
tar -C "$work/image" --sort=name --owner=0 --group=0 --numeric-owner -cf "$archive" .
echo "$archive: $(du -k "$archive" | cut -f1) KiB"
