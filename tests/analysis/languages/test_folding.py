"""Letters without accents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.languages.folding import folded


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("llamó", "llamo"),
        ("pingüino", "pinguino"),
        ("año", "año"),
        ("déjà là, forêt", "deja la, foret"),
        ("é", "e"),
        ("não, avô", "não, avo"),
        ("\u0451\u0449", "\u0435\u0449"),
    ],
)
def test_accents_go_and_letters_stay(text: str, plain: str) -> None:
    """Grave, acute, circumflex and diaeresis, composed or not; a tilde or a cedilla makes another letter."""
    assert folded(text) == plain


@given(st.text(max_size=200))
def test_folding_twice_is_folding_once(text: str) -> None:
    """Of any text."""
    assert folded(folded(text)) == folded(text)
