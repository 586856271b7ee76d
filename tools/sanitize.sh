#!/usr/bin/env bash
# Runs what is hostile to the library with a pjsua2 that AddressSanitizer and UndefinedBehaviorSanitizer watch.
#
#   tools/sanitize.sh [PYTEST ARGUMENT...]
#
# The library lies in ${CALLVANE_CACHE:-~/.cache/callvane}/sanitize/, first on PYTHONPATH; .venv keeps its own. A
# report in any process, a bridge that a test starts included, ends that process and fails the run.
# Environment: CALLVANE_ABUSE, how many times longer than in `make test` tests/sip_bridge/test_native_abuse.py is (20).
set -euo pipefail
cd "$(dirname "$0")/.."

tests=(tests/sip_bridge/test_{torture,native_abuse,hostile_bodies,call_life,encryption}.py
    tests/sip_bridge/{request/test_damaged_metadata,admission/test_admission,calls/test_joining}.py
    tests/sip_bridge/pjsip/test_{door,endpoint}.py tests/sip_bridge/hearing/test_{ring,speech,leg*}.py)

python=$PWD/.venv/bin/python
wheel=$(deploy/pjsua2/build.sh --sanitize --python "$python")
folder=${CALLVANE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/callvane}/sanitize/$(basename "$(dirname "$wheel")")
[ -f "$folder/pjsua2.py" ] || "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder" "$wheel"

reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
common="halt_on_error=1:abort_on_error=1:log_path=$reports/report"
preload=$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libstdc++.so)
watched() {
    # CPython lets go of nothing at its end, which is no leak of the library's. Its own allocator would hide what it
    # hands out. libstdc++ comes early, since ASan wraps its throwing of exceptions.
    env LD_PRELOAD="$preload" PYTHONPATH="$folder" PYTHONMALLOC=malloc CALLVANE_ABUSE="${CALLVANE_ABUSE:-20}" \
        ASAN_OPTIONS="detect_leaks=0:detect_stack_use_after_return=1:handle_abort=1:$common" \
        UBSAN_OPTIONS="print_stacktrace=1:$common" "$@"
}

# A fault on purpose, in a process started by another: without its report, silence would say nothing.
fault="import ctypes, pjsua2; assert pjsua2.__file__.startswith('$folder'); libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p; libc.memset(ctypes.c_void_p(libc.malloc(8)), 0, 9)"
watched "$python" -c "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])" "$fault"
grep -qs heap-buffer-overflow "$reports"/report.* || { echo "sanitize: the sanitizer does not report" >&2; exit 1; }
rm -f "$reports"/report.*

result=0
watched "$python" -m pytest -p no:cacheprovider --timeout 900 -s "${@:-${tests[@]}}" || result=$?
count=0
for report in "$reports"/report.*; do
    [ -f "$report" ] || continue
    count=$((count + 1)) result=1
    cat "$report" >&2
done
echo "sanitize: $count reports"
exit "$result"
