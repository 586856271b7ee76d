"""Where each word is in the audio: the best path of the phoneme head's own CTC.

It teaches the rest of the network: every frame learns its word, and the decoder learns where to look.
"""

import numpy as np

NOWHERE = -1e9


def best_path(chances: np.ndarray, lines: list[list[int]], frames: list[int]) -> list[np.ndarray]:
    """First and last frame of every symbol, [symbols, 2] per row.

    `chances` are log-probabilities [rows, frames, classes], class 0 is blank; each row ends at its own `frames`.
    """
    chances = chances[:, : max(frames)]
    rows, length, _ = chances.shape
    states = 2 * max(len(line) for line in lines) + 1
    symbols = np.zeros((rows, states), np.int64)
    for row, line in enumerate(lines):
        symbols[row, 1 : 2 * len(line) : 2] = line
    may_skip = np.zeros((rows, states), bool)
    may_skip[:, 2:] = (symbols[:, 2:] != 0) & (symbols[:, 2:] != symbols[:, :-2])
    emitted = np.take_along_axis(chances, np.broadcast_to(symbols[:, None], (rows, length, states)), 2)
    score = np.full((rows, states), NOWHERE, np.float32)
    score[:, :2] = emitted[:, 0, :2]
    came = np.zeros((length, rows, states), np.int8)
    ends = np.array(frames)
    for time in range(1, length):
        one = np.pad(score, ((0, 0), (1, 0)), constant_values=NOWHERE)[:, :-1]
        two = np.where(may_skip, np.pad(score, ((0, 0), (2, 0)), constant_values=NOWHERE)[:, :-2], NOWHERE)
        best = np.maximum(np.maximum(score, one), two)
        step = np.where(best == score, 0, np.where(best == one, 1, 2))
        going = (time < ends)[:, None]
        came[time] = np.where(going, step, 0)
        score = np.where(going, best + emitted[:, time], score)
    every = np.arange(rows)
    last = np.array([2 * len(line) for line in lines])
    state = np.where(score[every, last] > score[every, np.maximum(last - 1, 0)], last, np.maximum(last - 1, 0))
    path = np.empty((length, rows), np.int64)
    for time in range(length - 1, -1, -1):
        path[time] = state
        state = state - came[time, every, state]
    found: list[np.ndarray] = []
    for row, line in enumerate(lines):
        said = path[: frames[row], row]
        starts = np.searchsorted(said, 2 * np.arange(len(line)) + 1, "left")
        stops = np.searchsorted(said, 2 * np.arange(len(line)) + 1, "right") - 1
        found.append(np.stack([starts, np.maximum(starts, stops)], 1))
    return found


def word_spans(symbols: np.ndarray, words: np.ndarray, frames: int) -> np.ndarray:
    """Frames [words, 2], end excluded, of a row's words; `words` holds the first and last symbol of each.

    A word extends half-way to its neighbours.
    """
    if not len(words):
        return np.zeros((0, 2), np.int64)
    starts, stops = symbols[words[:, 0], 0], symbols[words[:, 1], 1] + 1
    middles = (stops[:-1] + starts[1:]) // 2
    firsts = np.concatenate([[max(0, starts[0] - 3)], middles])
    lasts = np.concatenate([middles, [min(frames, stops[-1] + 4)]])
    return np.stack([firsts, np.maximum(lasts, firsts + 1)], 1)
