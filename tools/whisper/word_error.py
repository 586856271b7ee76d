"""Word error: substitutions, deletions and insertions over the words that were said."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Count:
    """Errors among the words said."""

    errors: int = 0
    words: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.errors + other.errors, self.words + other.words)

    @property
    def percent(self) -> float:
        """Word error in percent, two decimals."""
        return round(100.0 * self.errors / max(1, self.words), 2)


def count_errors(said: str, heard: str) -> Count:
    """Count the word errors of one transcript by edit distance."""
    reference, guess = said.split(), heard.split()
    costs = list(range(len(guess) + 1))
    for row, word in enumerate(reference, 1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(guess, 1):
            cost = min(costs[column] + 1, costs[column - 1] + 1, diagonal + (word != other))
            diagonal, costs[column] = costs[column], cost
    return Count(costs[-1], len(reference))
