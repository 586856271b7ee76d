#!/usr/bin/env bash
# Builds the pjsua2 wheel of pjproject 2.17 for one Python and prints the wheel's path on stdout.
#
#   deploy/pjsua2/build.sh [--python PATH] [--sanitize]
#
# --sanitize builds the same with AddressSanitizer and UndefinedBehaviorSanitizer, for tools/sanitize.sh.
#
# The wheel is kept in ${CALLVANE_CACHE:-~/.cache/callvane}/pjsua2/<key>/, keyed by everything that goes
# into it, so that a second run only prints the path. Where the source comes from, first match wins:
#   CALLVANE_PJSUA2_WHEEL      a ready wheel: nothing is built
#   CALLVANE_PJPROJECT_SOURCE  a pjproject 2.17 folder or tarball
#   the machine's own Debian mirror: the pjproject component of the asterisk source package, in forky or sid
set -euo pipefail

VERSION=2.17
# Debian's component as of asterisk 22.10.1+dfsg+~cs6.17.60671434-1.
SOURCE_SHA256=6860c2f7604b4eee75f38151a9ef69774eb3f0c5286fc1d14bc1db2dc5a9e8aa
SUITES="forky sid"
APT_PACKAGES="build-essential swig python3-dev libssl-dev libsrtp2-dev libopus-dev libsamplerate0-dev uuid-dev"
STEPS=6

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=python3
sanitize=""
step=0
work=""

say() { printf '%s\n' "$*" >&2; }
die() { say "pjsua2: $*"; exit 1; }
next_step() { step=$((step + 1)); say "pjsua2 [$step/$STEPS] $*"; }
sha256_of() { sha256sum "$1" | cut -d' ' -f1; }

# Runs a command with its output in the log; on failure shows the log's end and where the rest is.
logged() {
    if ! "$@" >>"$log" 2>&1; then
        tail -n 15 "$log" >&2
        die "failed: $* (full log: $log)"
    fi
}

while [ $# -gt 0 ]; do
    case "$1" in
        --python) [ $# -ge 2 ] || die "--python needs a path"; python=$2; shift 2 ;;
        --sanitize) sanitize=1; shift ;;
        -h|--help) sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) die "unknown argument: $1 (see --help)" ;;
    esac
done
found=$(command -v "$python") || die "--python: no such program: $python"
python=$(realpath -s "$found")

if [ -n "${CALLVANE_PJSUA2_WHEEL:-}" ] && [ -z "$sanitize" ]; then
    [ -f "$CALLVANE_PJSUA2_WHEEL" ] || die "CALLVANE_PJSUA2_WHEEL: no such file: $CALLVANE_PJSUA2_WHEEL"
    readlink -f "$CALLVANE_PJSUA2_WHEEL"
    exit 0
fi

# What the source is, as far as the key is concerned: a tarball's content, a folder's listing, or the pin.
source_identity() {
    local given=${CALLVANE_PJPROJECT_SOURCE:-}
    if [ -z "$given" ]; then
        echo "$SOURCE_SHA256"
    elif [ -d "$given" ]; then
        (cd "$given" && find . -type f -printf '%P %s %T@\n' | LC_ALL=C sort | sha256sum)
    elif [ -f "$given" ]; then
        sha256_of "$given"
    else
        die "CALLVANE_PJPROJECT_SOURCE: no such file or folder: $given"
    fi
}

abi=$("$python" -c 'import sysconfig as s; print(s.get_config_var("EXT_SUFFIX"), s.get_paths()["include"])') \
    || die "cannot run $python"
headers=${abi#* }
identity=$(source_identity)
# shellcheck source=/dev/null
system=$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}") || system=$(uname -s)
key=$({
    cat "$here/build.sh" "$here/assemble_wheel.py" "$here/config_site.h" "$here"/patches/*.patch "$here"/native/*
    echo "$abi $identity $system $(uname -m)${sanitize:+ sanitize}"
} | sha256sum | cut -c1-16)
cache="${CALLVANE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/callvane}/pjsua2"

built_wheel() { [ ! -d "$cache/$key" ] || find "$cache/$key" -maxdepth 1 -name '*.whl'; }

wheel=$(built_wheel)
if [ -n "$wheel" ]; then
    echo "$wheel"
    exit 0
fi

mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 || { say "pjsua2: another build is running, waiting for it"; flock 9; }
wheel=$(built_wheel)
if [ -n "$wheel" ]; then
    echo "$wheel"
    exit 0
fi

missing=""
for tool in gcc g++ make swig patch tar xz; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
for header in openssl/ssl.h srtp2/srtp.h opus/opus.h samplerate.h uuid/uuid.h; do
    [ -n "$missing" ] && break
    echo "#include <$header>" | gcc -E - >/dev/null 2>&1 || missing="$missing $header"
done
[ -f "$headers/Python.h" ] || missing="$missing Python.h"
[ -z "$missing" ] || die "missing:$missing; install: apt-get install $APT_PACKAGES xz-utils"

say "pjsua2: building pjproject $VERSION for $("$python" -V), once; 2 to 5 minutes on two cores"
log="$cache/build-$key.log"
: >"$log"
work=$(mktemp -d "${TMPDIR:-/tmp}/callvane-pjsua2.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"   # apt fetches as its own user

# The address of the Debian mirror that this machine already uses.
configured_mirror() {
    # shellcheck disable=SC2016  # apt fills it in
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null \
        | grep '/debian/*$' | head -n 1
}

# Fetches the component into $1, in a private apt whose lists and sources are not the machine's; the
# archive's signature vouches for the checksum that the download is held against.
fetch_from_debian() {
    local mirror keyring entry uri checksum apt="$work/apt"
    local advice="set CALLVANE_PJPROJECT_SOURCE to a pjproject $VERSION folder or tarball"
    command -v apt-get >/dev/null || die "no apt-get here; $advice"
    mirror=$(configured_mirror)
    [ -n "$mirror" ] || die "no Debian mirror is configured on this machine; $advice"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -f "$keyring" ] || die "$keyring is missing (apt-get install debian-archive-keyring); or $advice"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts" "$apt/download"
    if [ "$(id -u)" = 0 ] && id _apt >/dev/null 2>&1; then chown _apt "$apt/download"; fi
    cat >"$apt/apt.conf" <<CONF
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "$apt/parts";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt/cache";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
    for suite in $SUITES; do
        echo "deb-src [signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
        APT_CONFIG="$apt/apt.conf" apt-get update >>"$log" 2>&1 || continue
        entry=$(APT_CONFIG="$apt/apt.conf" apt-get source --print-uris --download-only asterisk 2>>"$log" \
            | grep 'orig-Xpjproject\.tar\.[a-z0-9]* ' | head -n 1) || continue
        uri=$(cut -d"'" -f2 <<<"$entry")
        checksum=${entry##* }
        if [ "$checksum" != "SHA256:$SOURCE_SHA256" ]; then
            say "pjsua2: the archive's pjproject has changed: ${checksum#SHA256:} instead of $SOURCE_SHA256;" \
                "it is signed, so it is used if it still is $VERSION"
        fi
        APT_CONFIG="$apt/apt.conf" /usr/lib/apt/apt-helper download-file \
            "$uri" "$apt/download/pjproject.tar" "$checksum" >>"$log" 2>&1 || continue
        mv "$apt/download/pjproject.tar" "$1"
        return
    done
    tail -n 5 "$log" >&2
    die "pjproject could not be fetched from the configured mirror (full log: $log); $advice"
}

tree="$work/tree"
mkdir "$tree"
if [ -d "${CALLVANE_PJPROJECT_SOURCE:-}" ]; then
    next_step "copying ${CALLVANE_PJPROJECT_SOURCE}"
    cp -R "$CALLVANE_PJPROJECT_SOURCE/." "$tree/"
else
    tarball=${CALLVANE_PJPROJECT_SOURCE:-$cache/pjproject-$SOURCE_SHA256.tar}
    if [ -f "$tarball" ]; then
        next_step "taking the source from $tarball"
    else
        next_step "fetching the source from the configured Debian mirror"
        fetch_from_debian "$work/pjproject.tar"
        if [ "$(sha256_of "$work/pjproject.tar")" = "$SOURCE_SHA256" ]; then
            mv "$work/pjproject.tar" "$tarball"
        else
            tarball="$work/pjproject.tar"
        fi
    fi
    logged tar -xf "$tarball" -C "$tree" --strip-components=1
fi
found=$(sed -n 's/^export PJ_VERSION_\(MAJOR\|MINOR\) *:= *//p' "$tree/version.mak" 2>/dev/null | paste -sd.) \
    || found=""
[ "$found" = "$VERSION" ] \
    || die "the source is pjproject ${found:-of unknown version}, not $VERSION; set CALLVANE_PJPROJECT_SOURCE"

next_step "configuring"
cp "$here/config_site.h" "$tree/pjlib/include/pj/config_site.h"
touch "$tree/pjmedia/src/pjmedia-audiodev/bdimad_dev.c"   # Debian strips it; it is never compiled in
for patch in "$here"/patches/*.patch; do
    logged patch -d "$tree" -p1 -N -i "$patch"
done
flags="-O2 -fPIC -DNDEBUG"
glue_flags=()
native_flags=(-O2)
link_flags=()
if [ -n "$sanitize" ]; then
    # Left out, for pjproject: alignment, since it reads packets' headers where they lie, which x86-64 and arm64 allow;
    # null arguments, since its empty strings are null and it copies their 0 bytes. Each allocation from a pool is one
    # of malloc's, so that what lies beyond it is not the next one.
    sanitizers=(-fsanitize=address -fsanitize=undefined -fno-sanitize=alignment -fno-sanitize=nonnull-attribute)
    flags="-O1 -g -fno-omit-frame-pointer -fPIC -DNDEBUG ${sanitizers[*]} -DPJ_POOL_DEBUG=1"
    glue_flags=(-g0 -fno-sanitize=undefined)   # generated code: it would take as long as all the rest
    native_flags=(-O1 -fsanitize=nonnull-attribute)
    # UBSan's own copy of what writes reports, so that it heeds its own log_path beside ASan's.
    link_flags=("${sanitizers[@]}" -static-libubsan "-Wl,--exclude-libs,libubsan.a")
    export ASAN_OPTIONS=detect_leaks=0         # configure's programs leak, and so does the interpreter
fi
export CFLAGS="$flags" CXXFLAGS="$flags"
cd "$tree"
logged ./aconfigure --enable-epoll --disable-sound --disable-video --disable-resample --enable-libsamplerate \
    --with-external-srtp --disable-upnp --disable-speex-aec --disable-speex-codec --disable-gsm-codec \
    --disable-ilbc-codec --disable-g7221-codec --disable-l16-codec --disable-opencore-amr --disable-silk \
    --disable-bcg729 --disable-lyra --disable-libyuv --disable-libwebrtc --disable-sdl --disable-ffmpeg \
    --disable-v4l2 --disable-openh264 --disable-vpx

next_step "compiling the libraries"
logged make -j "$(nproc)" lib

next_step "generating the Python binding"
cd "$tree/pjsip-apps/src/swig/python"
includes=()
for part in pjlib pjlib-util pjnath pjmedia pjsip; do
    includes+=("-I$tree/$part/include")
done
native="$here/native"
printf '\n%%include "callvane.i"\n' >>../pjsua2.i
logged swig "${includes[@]}" "-I$native" -c++ -w312 -threads -python -o pjsua2_wrap.cpp ../pjsua2.i

next_step "compiling the Python binding (the longest step)"
extension="_pjsua2${abi%% *}"
read -ra compile_flags < <(make -s -f helper.mak cflags | paste -sd' ')
read -ra libraries < <({ make -s -f helper.mak ldflags; make -s -f helper.mak libs | sed 's/^/-l/'; } | paste -sd' ')
# Glue code gains nothing from -O2, which takes twice as long on it.
logged g++ -c -w "${compile_flags[@]}" -O1 "${glue_flags[@]}" "-I$headers" "-I$native" pjsua2_wrap.cpp
for part in "$native"/*.cpp; do
    logged g++ -c -Wall "${compile_flags[@]}" "${native_flags[@]}" "-I$native" "$part"
done
logged g++ -shared "${link_flags[@]}" ./*.o -o "$extension" "${libraries[@]}" -ldl
[ -n "$sanitize" ] || logged strip --strip-unneeded "$extension"

next_step "packing the wheel"
mkdir "$work/result"
logged "$python" "$here/assemble_wheel.py" --version "$VERSION" --output "$work/result" "$extension" pjsua2.py
preload=${sanitize:+$(gcc -print-file-name=libasan.so)}
logged env LD_PRELOAD="$preload" "$python" "$here/assemble_wheel.py" --check "$work"/result/*.whl
# The folder appears under its key in one rename, so a half-written wheel is never taken for a whole one.
rm -rf "${cache:?}/$key" "$cache/.$key.new"
cp -R "$work/result" "$cache/.$key.new"
mv "$cache/.$key.new" "$cache/$key"
rm -f "$log"
built_wheel
