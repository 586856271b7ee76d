"""What the shipped network says of a turn, side by side: the trainer and the scorer share this order."""

from __future__ import annotations

from analysis.turns.reading import READ_ACTS
from callbus import Wish

FEELINGS = ("unhappy", "neutral", "pleased")
CORES = ("none", "frustration", "anger", "worry", "dismissed", "disappointment", "relief", "gratitude")
WISHES = tuple(Wish)
ACTS = READ_ACTS

AT_FEELINGS = slice(0, 3)
AT_CORES = slice(3, 11)
AT_URGENT = slice(11, 12)
AT_WISHES = slice(12, 15)
AT_ACTS = slice(15, 26)
AT_HOLLOW = slice(26, 27)
OUTPUTS = 27
"""Acts and hollow are an agent's, all others a customer's. FEELINGS, CORES and WISHES are choices, the others yes or
no."""
