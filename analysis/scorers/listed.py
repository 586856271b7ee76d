"""The scorer of languages that no network reads: what callers say outright, as evidence by itself. Pure.

It says little and hears little: a turn without a listed word is no evidence either way, and nothing tells it of
pleasure. Threats and circumstances are added as for every scorer.
"""

from __future__ import annotations

import math

from analysis.languages.lexicon import Lexicon
from analysis.scorers.cues import cues
from analysis.shift.detector import ShiftRules
from analysis.turns.matching import own
from analysis.turns.score import MOST_LOG_ODDS, Score, weight
from analysis.turns.turn import Turn
from callbus import Term

ALONE = 2.0
"""How many times a cue's log-odds count where no network says anything beside it."""
LISTED_RULES = ShiftRules(
    threshold=0.5,
    interruption=1.1,
    relief=math.inf,
    turns_agreeing=1,
    within_turns=3,
    arrived_upset=-1.0,
    unhappy=-1.0,
)
"""The detector's rules for this scorer: one turn is enough, because so few have a listed word, and those that have one
are hardly ever calm. It raises no recovery."""
FULL_WORDS = 3
"""From this many words on a turn counts in full."""


def listed_score(turn: Turn, lexicon: Lexicon) -> Score:
    """The evidence of a customer's turn by the lists of its language."""
    found = cues(own(turn.text, lexicon), lexicon, -MOST_LOG_ODDS / ALONE)
    log_odds, counts = ALONE * sum(cue.value for cue in found), weight(turn, FULL_WORDS)
    terms = tuple(Term(cue.name, ALONE * cue.value * counts) for cue in found)
    return Score(log_odds, counts, terms if counts else ())
