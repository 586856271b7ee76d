"""Utterances become transcripts, turns, shifts and alerts.

Read in the order of the data: `worker` takes what a bridge wrote; `transcriber` and `batcher` turn speech into words;
`silence`, `hallucination` and `redaction` decide which words stay; `turn` joins them, `scorer` weighs them, `shift`
says when a customer has turned, `evidence` writes down why; `conversation` holds one call's whole state.
"""

import os

# A spectrogram is a product of small matrices: shared out over OpenBLAS's threads it costs seven times the work.
# Read when numpy is first imported, which is after this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
