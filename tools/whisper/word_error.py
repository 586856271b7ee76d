"""Word error: substitutions, deletions and insertions over the number of spoken words."""

from dataclasses import dataclass

import jiwer


@dataclass(frozen=True, slots=True)
class Count:
    """Errors and spoken words."""

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
    found = jiwer.process_words(said, heard)
    return Count(
        found.substitutions + found.deletions + found.insertions, found.hits + found.substitutions + found.deletions
    )
