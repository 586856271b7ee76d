"""Where words are said: the alignment that guides the training."""

import numpy as np

from tools.whisper.alignment import best_path, word_spans


def chances_of(line: str, classes: int = 4) -> np.ndarray:
    """Log-probabilities of one row that surely says the digits of `line`, a frame each."""
    chances = np.full((1, len(line), classes), np.log(0.01), np.float32)
    for frame, symbol in enumerate(line):
        chances[0, frame, int(symbol)] = np.log(0.97)
    return chances


def test_symbols_are_found_where_they_are_said() -> None:
    """Each symbol gets the frames it holds, a repeated one too when a blank parts it."""
    found = best_path(chances_of("0110020033"), [[1, 2, 3]], [10])[0]
    assert found.tolist() == [[1, 2], [5, 5], [8, 9]]
    assert best_path(chances_of("1101"), [[1, 1]], [4])[0].tolist() == [[0, 1], [3, 3]]


def test_rows_end_at_their_own_frames() -> None:
    """What lies past the end of a row is not listened to."""
    chances = np.concatenate([chances_of("0120000"), chances_of("0000012")])
    found = best_path(chances, [[1, 2], [1, 2]], [3, 7])
    assert [row.tolist() for row in found] == [[[1, 1], [2, 2]], [[5, 5], [6, 6]]]


def test_a_row_without_speech_has_no_words() -> None:
    """Silence has no symbols and no words."""
    found = best_path(chances_of("000"), [[]], [3])[0]
    assert word_spans(found, np.zeros((0, 2), np.int64), 3).shape == (0, 2)


def test_words_meet_half_way() -> None:
    """A word reaches half-way to its neighbours, and a little past the speech at both ends."""
    symbols = np.array([[5, 6], [10, 11], [14, 14], [18, 20]])
    spans = word_spans(symbols, np.array([[0, 1], [3, 3]]), 22)
    assert spans.tolist() == [[2, 15], [15, 22]]
