"""Utterances become transcripts, turns, shifts and alerts.

The packages in the order of the data: `lanes` takes what bridges wrote and keeps each call in order, `words` turns
speech into text, `turns` joins it, `scorers` weigh a turn, `shift` watches the scores. `call` holds one call's state
and decides. `budget` is a separate command.
"""

import os

# A spectrogram is a product of small matrices: spread over OpenBLAS's threads it costs seven times the work.
# OpenBLAS reads this when numpy is first imported, which happens after this line.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
