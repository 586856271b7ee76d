"""Utterances become transcripts, turns, shifts and alerts.

Read in the order of the data: `worker` takes what a bridge wrote; in `ear`, `features`, `batcher` and `transcriber`
turn speech into words, of which `silence` and `hallucination` let pass what was said; then `analyst` has them redacted
(`redaction`), joined (`turn`), weighed (`scorer`) and watched (`shift`), and an alert proven (`evidence`).
`conversation` holds one call's whole state.
"""

import os

# A spectrogram is a product of small matrices: shared out over OpenBLAS's threads it costs seven times the work.
# Read when numpy is first imported, which is after this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
