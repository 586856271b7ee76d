"""What callers say they will do about it: leave, go to law, ask for a supervisor, a regulator, the press. Pure.

Said in earnest, one such sentence deserves a supervisor's attention. The patterns require the caller's own intent, so
reported speech, denials, questions and mere thoughts do not match. Whether the caller is calm about it ("I'm going to
cancel, we're moving") shows in the turn's score, which the detector checks.
"""

from __future__ import annotations

import re

from analysis.languages.lexicon import Lexicon, shipped
from callbus import Term

EACH, MOST = -1.2, -1.6
"""What one kind of threat adds to a turn's log-odds, and the limit for all of them."""


def threats(words: str, lexicon: Lexicon | None = None) -> tuple[Term, ...]:
    """The threats in words as patterns see them, as terms whose sum is capped. Without a lexicon: in English."""
    lexicon = lexicon or shipped()
    if (calm := lexicon.guards.get("calm")) and calm.search(words):
        return ()
    found = [
        name for name, pattern in lexicon.threats if any(_meant(words, at, lexicon) for at in pattern.finditer(words))
    ]
    value = max(EACH, MOST / len(found)) if found else 0.0
    return tuple(Term(name, value) for name in found)


def _meant(words: str, at: re.Match[str], lexicon: Lexicon) -> bool:
    """Whether it is the caller's own intent, directed at us, and not a mere thought."""
    before, after = words[: at.start()].rstrip(), words[at.end() :]
    of_others, thought, not_you = (lexicon.guards.get(name) for name in ("of_others", "merely_thought", "not_you"))
    return not (
        (of_others and of_others.search(before))
        or (thought and thought.search(before))
        or (not_you and not_you.match(after))
    )
