"""Utterances become transcripts, turns, shifts and alerts.

The rooms in the order of the data: `lanes` takes what bridges wrote and keeps each call's order, `words` turns speech
into text, `turns` joins it, `scorers` weigh a turn, `shift` watches the scores. `call` holds one call's state and
decides. `budget` is a command of its own.
"""

import os

# A spectrogram is a product of small matrices: shared out over OpenBLAS's threads it costs seven times the work.
# Read when numpy is first imported, which is after this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
