#!/usr/bin/env bash
# Measures Callvane's reading on an NVIDIA GPU in one go, in under ten minutes: the known sentence, `make bench-words`
# with a real Whisper, then batches and audio contexts on random weights of the shape of large-v3-turbo.
# Needs no root, no Debian package and no pjsua2. Steps that lack what they need say so; the others are still run.
# Environment:
#   OUT      folder for the JSON (bench-gpu)
#   MODEL    the Whisper: a name, which is fetched, or a folder (base)
#   SOUNDS   root of Debian's sound packages (/); without them, the scenarios' audio is read
#   PYTHON   the Python 3.11 to 3.13 to make an environment with (python3)
#   VENV     the environment: made from the lock, used as it is if it is there (.venv-gpu)
#   WHEELS   a folder of wheels to make it from, where there is no package index; then the lock's hashes are not checked
#   DEVICE   cuda, or cpu to try the script where there is no GPU, on far less (cuda)
set -euo pipefail
cd "$(dirname "$0")/.."

out=${OUT:-bench-gpu}
model=${MODEL:-base}
venv=${VENV:-.venv-gpu}
device=${DEVICE:-cuda}
cublas=nvidia-cublas-cu12==12.9.2.10
failed=0
say() { printf 'gpu: %s\n' "$*" >&2; }
fail() { printf 'gpu: %s\n' "$*" >&2; exit 2; }

# A step with its own limit in seconds, 580 in all on a GPU; one that fails leaves the others to be run.
step() {
    local name=$1 limit=$2 began=$SECONDS status=0
    shift 2
    say "$name, $limit s at most"
    timeout --kill-after=5 "$limit" "$@" || status=$?
    case $status in
        0) say "$name: done in $((SECONDS - began)) s" ;;
        124 | 137) say "$name: not done within $limit s"; failed=1 ;;
        *) say "$name: failed with status $status, see above"; failed=1 ;;
    esac
    return "$status"
}

gpu() {
    command -v nvidia-smi >/dev/null || fail "no NVIDIA GPU here: nvidia-smi is missing; run this on a machine with one"
    timeout 20 nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader >&2 ||
        fail "no NVIDIA GPU here: nvidia-smi finds none; run this on a machine with one"
}

environment() {
    [ -x "$venv/bin/python" ] && return
    step "environment in $venv" 30 "${PYTHON:-python3}" -m venv "$venv" || fail "no environment; set PYTHON or VENV"
    local pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check)
    if [ -n "${WHEELS:-}" ]; then
        step "packages of $WHEELS" 100 "${pip[@]}" --no-index --no-deps "$WHEELS"/*.whl
    else
        step "packages of the lock" 100 "${pip[@]}" --require-hashes -r deploy/setup/development.txt &&
            { [ "$device" = cpu ] || step "cuBLAS" 40 "${pip[@]}" "$cublas"; }
    fi || { rm -rf "$venv"; fail "no packages; where there is no package index, set WHEELS or VENV"; }
}

# CTranslate2 loads cuBLAS of CUDA 12 when it first needs it; pip puts it where the loader does not look.
libraries() {
    local folder
    for folder in "$venv"/lib/python3.*/site-packages/nvidia/cublas/lib; do
        [ -d "$folder" ] && export LD_LIBRARY_PATH="$PWD/${folder#"$PWD"/}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    done
    [ "$device" = cpu ] || "$venv/bin/python" -c 'import ctypes; ctypes.CDLL("libcublas.so.12")' ||
        fail "libcublas.so.12 is missing: install $cublas into $venv, or add its folder to LD_LIBRARY_PATH"
}

known_sentence='
import sys
from analysis.settings import AnalysisSection
from analysis.words.transcriber import Transcriber
from service.settings import ConfigError
try:
    reads = Transcriber(AnalysisSection(model=sys.argv[1], device=sys.argv[2]))
except ConfigError as error:
    sys.exit(f"gpu: {error}")
print(f"gpu: {reads.name} on {reads.device} reads the known sentence", file=sys.stderr)'

if [ "$device" = cuda ]; then
    gpu
    words=(--count 256 --seconds 5 --loop-seconds 35 --batches "1,4,16,64" --first-calls 32)
    shape=(--batches "1,2,4,8,16,32,64" --contexts "600,1000,1400,3000" --seconds 1)
    words_limit=240 shape_limit=120
else
    words=(--count 4 --seconds 2 --batches "1,2" --most-calls 0)
    shape=(--batches 1 --contexts 1000 --seconds 0.1)
    words_limit=400 shape_limit=400
fi
mkdir -p "$out"
environment
libraries
if step "known sentence" 30 "$venv/bin/python" -c "$known_sentence" "$model" "$device"; then
    OUT="$out/words.json" step "words, $model" "$words_limit" "$venv/bin/python" -m bench.speed \
        --models "$model" --device "$device" "${words[@]}" || true
fi
OUT="$out/shape.json" step "random weights, shape of large-v3-turbo" "$shape_limit" \
    "$venv/bin/python" -m bench.speed.arithmetic --device "$device" "${shape[@]}" || true
say "figures are in $out"
exit "$failed"
