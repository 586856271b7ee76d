"""Word error counting."""

import pytest

from tools.whisper.word_error import Count, count_errors


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "a x c", 1),
        ("a b c", "a c", 1),
        ("a b c", "a b b c", 1),
        ("a b c", "", 3),
        ("", "a", 1),
        ("", "", 0),
        ("a  b", "a b", 0),
    ],
)
def test_errors(said: str, heard: str, errors: int) -> None:
    """Substituted, missing and added words count one each."""
    assert count_errors(said, heard).errors == errors


def test_percent_is_over_words_said() -> None:
    """Counts add up, and the percentage is over the words that were said."""
    assert (count_errors("a b c d", "a b c") + Count(0, 4)).percent == 12.5
