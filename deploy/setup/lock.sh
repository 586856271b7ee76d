#!/usr/bin/env bash
# Pins every dependency, with hashes, for running (runtime.txt) and for development (development.txt).
# Run it after a change of pyproject.toml; it needs uv (`pip install uv`).
set -euo pipefail
cd "$(dirname "$0")/../.."
pin() {
    uv pip compile pyproject.toml --quiet --generate-hashes --python-version 3.11 --no-header --no-annotate \
        --no-emit-index-url --output-file "deploy/setup/$1" "${@:2}"
}
pin runtime.txt "${@}"
pin development.txt --extra dev "${@}"
