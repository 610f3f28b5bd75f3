#!/usr/bin/env bash
# Builds the Debian package of a binary that is built already, without root:
#
#   cargo build --profile dist && deploy/debian/build.sh target/dist/lockstep [FOLDER]
#
# Prints the path of the package, which lies in FOLDER (this one, if not said).
set -euo pipefail
binary="$(realpath "${1:?which binary: deploy/debian/build.sh target/dist/lockstep}")"
out="$(realpath "${2:-.}")"
deploy="$(cd "$(dirname "$0")/.." && pwd)"
version="$("$binary" --version | cut -d' ' -f2)"
arch="$(dpkg --print-architecture)"
# Of a release the moment that the version control knows; the same input gives the same package.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git -C "$deploy" log -1 --format=%ct 2>/dev/null || date +%s)}"
root="$(mktemp -d)"
trap 'rm -rf "$root"' EXIT
umask 022

install -D -m 755 "$binary" "$root/usr/bin/lockstep"
strip --strip-unneeded "$root/usr/bin/lockstep" 2>/dev/null || true
install -D -m 644 "$deploy/systemd/lockstep.service" "$root/usr/lib/systemd/system/lockstep.service"

mkdir -p "$root/usr/share/man/man1"
"$binary" man -o "$root/usr/share/man/man1" >/dev/null
find "$root/usr/share/man" -name '*.1' -exec gzip -9n {} +

completion() { # the shell, the file
  mkdir -p "$root/$(dirname "$2")"
  "$binary" completions "$1" >"$root/$2"
}
completion bash usr/share/bash-completion/completions/lockstep
completion zsh usr/share/zsh/vendor-completions/_lockstep
completion fish usr/share/fish/vendor_completions.d/lockstep.fish

docs="$root/usr/share/doc/lockstep"
mkdir -p "$docs/examples"
gzip -9nc "$deploy/../CHANGELOG.md" >"$docs/NEWS.md.gz"
gzip -9nc >"$docs/changelog.gz" <<CHANGELOG
lockstep ($version) unstable; urgency=medium

  * What is new is in NEWS.md.gz.

 -- The authors of Lockstep <lockstep@example.com>  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
CHANGELOG
cp "$deploy/prometheus/alerts.yml" "$deploy/grafana/lockstep.json" "$docs/examples/"
cat >"$docs/copyright" <<COPYRIGHT
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Lockstep

Files: *
Copyright: 2026 the authors of Lockstep
License: Apache-2.0
 On Debian systems the text of the license is in /usr/share/common-licenses/Apache-2.0.
COPYRIGHT

# What the binary is linked with: the newest version of the C library that one of its symbols needs.
glibc="$(objdump -T "$binary" | grep -o 'GLIBC_[0-9.]*' | cut -d_ -f2 | sort -V | tail -1)"
mkdir -p "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: lockstep
Version: $version
Architecture: $arch
Maintainer: The authors of Lockstep <lockstep@example.com>
Installed-Size: $(du -sk --apparent-size --exclude=DEBIAN "$root" | cut -f1)
Depends: libc6 (>= ${glibc:-2.36}), libgcc-s1, passwd
Recommends: ca-certificates
Section: admin
Priority: optional
Description: keeps the records of several business systems in step
 Lockstep reads the systems that a project names, links the records that stand
 for the same, and keeps their properties equal as its flows say. What it writes
 is planned, explained and can be taken back.
 .
 The service works on the project in /var/lib/lockstep as the user lockstep.
CONTROL
for script in postinst prerm postrm; do
  install -m 755 "$deploy/debian/$script" "$root/DEBIAN/$script"
done
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)

package="$out/lockstep_${version}_$arch.deb"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz "-z${LOCKSTEP_DEB_LEVEL:-6}" --build "$root" "$package" >/dev/null
echo "$package"
