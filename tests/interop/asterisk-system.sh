#!/usr/bin/env bash
# Puts Debian forky with its Asterisk 22 into a folder, once, and prints the folder's path on stdout.
#
#   tests/interop/asterisk-system.sh
#
# The folder is ${CALLVANE_CACHE:-~/.cache/callvane}/asterisk/<key>; about 600 MB. Its packages come from the Debian
# mirror that this machine is configured for, checked against the archive's keyring. Ends with 3, and says why, where
# this machine cannot do it: that is for root on a Debian with debootstrap.
set -euo pipefail

SUITE=forky
PACKAGES=asterisk
SCRIPT=/usr/share/debootstrap/scripts/sid
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf 'asterisk: %s\n' "$*" >&2; }
cannot() { say "$*"; exit 3; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
key=$({ cat "$here/asterisk-system.sh"; uname -m; } | sha256sum | cut -c1-16)
cache="${CALLVANE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/callvane}/asterisk"
root="$cache/$key"

[ "$(id -u)" = 0 ] || cannot "making a Debian in a folder, and running in it, is for root"
for tool in unshare chroot mount; do
    command -v "$tool" >/dev/null || cannot "$tool is missing"
done
unshare --mount true 2>/dev/null || cannot "this machine allows no mount namespace (a container without the right?)"
if [ -x "$root/usr/sbin/asterisk" ]; then
    echo "$root"
    exit 0
fi
command -v debootstrap >/dev/null || cannot "debootstrap is missing (apt-get install debootstrap)"
for file in "$SCRIPT" "$KEYRING"; do
    [ -f "$file" ] || cannot "$file is missing"
done
# shellcheck disable=SC2016  # apt fills it in
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    grep '/debian/*$' | head -n 1) || cannot "no Debian mirror is configured on this machine"

mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || { say "another one is at it, waiting"; flock 9; }
if [ -x "$root/usr/sbin/asterisk" ]; then
    echo "$root"
    exit 0
fi

# debootstrap downloads by itself: it is told what apt knows about the way out.
eval "$(apt-config shell http_proxy Acquire::http::Proxy https_proxy Acquire::https::Proxy)"
[ -z "${http_proxy:-}" ] || export http_proxy
[ -z "${https_proxy:-}" ] || export https_proxy

log="$cache/$key.log"
work=$(mktemp -d "$cache/new.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
say "putting Debian $SUITE with Asterisk into $root, once; some minutes"
debootstrap --variant=minbase --include="$PACKAGES" --keyring="$KEYRING" "$SUITE" "$work" "$mirror" "$SCRIPT" \
    >"$log" 2>&1 || {
    ! grep -q '^E: Failed getting release file' "$log" || cannot "$mirror has no $SUITE, or is out of reach"
    tail -n 5 "$log" >&2
    say "debootstrap failed (full log: $log)"
    exit 1
}
rm -rf "$work/var/cache/apt/archives" "$work"/var/lib/apt/lists/* "$work/usr/share/doc" "$work/usr/share/man"
# The folder appears under its key in one rename, so a half-made system is never taken for a whole one.
mv "$work" "$root"
echo "$root"
