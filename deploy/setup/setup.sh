#!/usr/bin/env bash
# Makes this checkout ready to run: Debian packages, a virtual environment in .venv, pinned dependencies, pjsua2, and a
# Whisper: base, and on a host with an NVIDIA GPU large-v3-turbo too.
# What is there already is not done again. `--tests` adds the packages that only the tests need, `--interop` those of `make interop`.
# Environment:
#   PYTHON                     the Python 3.11+ to use (python3)
#   CALLVANE_PJSUA2_WHEEL      a ready pjsua2 wheel
#   CALLVANE_PJPROJECT_SOURCE  a pjproject 2.17 source, folder or tarball, instead of Debian's
#   CALLVANE_SKIP_APT=1        never install Debian packages
#   CALLVANE_CACHE             where models and builds are kept (~/.cache/callvane)
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-python3}
root=()
lists=(deploy/setup/packages.txt)
case ${1:-} in
    --tests) lists+=(deploy/setup/packages-tests.txt) ;;
    --interop) lists+=(deploy/setup/packages-interop.txt) ;;
esac
say() { printf 'setup: %s\n' "$*" >&2; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

packages() {
    local missing=() name
    while read -r name; do
        case $name in '' | '#'*) continue ;; esac
        dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
    done < <(cat "${lists[@]}")
    [ ${#missing[@]} -gt 0 ] || return 0
    [ -z "${CALLVANE_SKIP_APT:-}" ] || fail "missing Debian packages: ${missing[*]}; install them (CALLVANE_SKIP_APT is set)"
    command -v apt-get >/dev/null || fail "this is no Debian; install what corresponds to: ${missing[*]}; then set CALLVANE_SKIP_APT=1"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "needs root or sudo to install: ${missing[*]}"
        root=(sudo)
    fi
    say "Debian packages: ${missing[*]}"
    "${root[@]}" apt-get update -qq >&2 || printf '    package lists could not be updated, going on\n' >&2
    # Packages like redis-server start a service; tests and demo run private ones, so keep the machine as it is.
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee $policy >/dev/null && "${root[@]}" chmod 755 $policy
        trap '"${root[@]}" rm -f '"$policy" EXIT
    fi
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
        fail "apt-get could not install: ${missing[*]}; see its message above"
}

environment() {
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null ||
        fail "$python is not Python 3.11 to 3.13; set PYTHON=/path/to/python3.11"
    [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1 ||
        "$python" -m venv --clear .venv || fail "$python cannot make a virtual environment; install python3-venv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r deploy/setup/development.txt >&2 ||
        fail "pip could not install deploy/setup/development.txt; see its message above"
}

pjsua2() {
    local wheel
    wheel=$(deploy/pjsua2/build.sh --python "$PWD/.venv/bin/python") || exit 1
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheel" >&2 ||
        fail "pip could not install $wheel"
}

# A model's digests are put beside it once it is whole: workers compare its sizes at each start.
model() {
    [ -e "${CALLVANE_CACHE:-$HOME/.cache/callvane}/models/$1/SHA256SUMS" ] && return
    say "Whisper $1, which reads the calls: $2"
    .venv/bin/python -m analysis fetch "$1" >&2
}

models() {
    model base "150 MB" || fail "base did not come; see above, or bring it by hand: docs/models.md, 'Without a network'"
    nvidia-smi -L >/dev/null 2>&1 || return 0
    model large-v3-turbo "1.6 GB, for the GPU here" ||
        say "large-v3-turbo did not come, see above; on this GPU, set analysis.model = \"base\" until it is there"
}

packages

# A stamp that says what this environment was made from; equal stamps are equal environments.
stamp=$({
    cat deploy/setup/development.txt
    find deploy/pjsua2 -type f -print0 | sort -z | xargs -0 cat
    "$python" -c 'import sys; print(sys.version, sys.prefix)' || true
    printf '%s %s\n' "${CALLVANE_PJSUA2_WHEEL:-}" "${CALLVANE_PJPROJECT_SOURCE:-}"
} | sha256sum | cut -d' ' -f1)
if [ "$(cat .venv/callvane-stamp 2>/dev/null)" != "$stamp" ]; then
    say "virtual environment and Python packages: a minute or two"
    environment
    say "pjsua2: about five minutes the first time on a machine, then seconds"
    pjsua2
    printf '%s\n' "$stamp" > .venv/callvane-stamp
    models
    say "ready"
else
    models
fi
