"""Number words said one after the other become numbers, and how many digits those have. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from analysis.words.number_words import Kind, Meaning

PLACES = {100: 2, 1_000: 3, 1_000_000: 6}
"""Zeros of each multiplier."""
MILLION = 1_000_000
LARGEST = 10**12
"""Numbers do not grow past this; what follows is a number of its own."""
YEARS = range(1900, 2100)
HOURS, MINUTES = range(25), range(10, 60)


@dataclass(slots=True)
class Dictation:
    """Numbers said without a pause between them: "nineteen eighty four" is 19 and 84."""

    numbers: list[int] = field(default_factory=list)
    digits: int = 0
    """Digits that all of them have when they are written down."""
    _free: int = 0
    """Zeros at the end of the last number that a smaller one may still take: two after "four hundred"."""
    _wide: bool = False

    def takes(self, meaning: Meaning) -> bool:
        """Whether the word completes the last number rather than beginning another."""
        if not self.numbers or meaning.kind not in (Kind.NUMBER, Kind.MULTIPLIER) or not meaning.value:
            return False
        value = meaning.value
        return len(str(value)) <= self._free or (self._wide and 10 <= value < 20)

    def add(self, meaning: Meaning) -> None:
        """Add a number, a multiplier or a digit as a thing."""
        match meaning.kind:
            case Kind.MULTIPLIER:
                self._multiply(meaning)
            case Kind.NOUN:
                counted = self.numbers[-1] if self.numbers and 2 <= self.numbers[-1] <= 9 else 2
                self._begin(meaning.value, counted - 1)
            case _:
                self._plain(meaning)

    def _plain(self, meaning: Meaning) -> None:
        value = meaning.value
        if self.takes(meaning):
            self.numbers[-1] += value
        else:
            self._begin(value, len(str(value)))
        self._free = 0 if value < 20 else 2 if value % 100 == 0 else 1 if value % 10 == 0 else 0
        self._wide = meaning.wide

    def _multiply(self, meaning: Meaning) -> None:
        by = meaning.value
        last = self.numbers[-1] if self.numbers else 0
        part = last % (100 if by == 100 else 1_000)
        rest = last - part
        if part and rest % (by * (10 if by == 100 else 1_000)) == 0 and last * by < LARGEST:
            self.numbers[-1] = rest + part * by
            self.digits += len(str(self.numbers[-1])) - len(str(last))
        elif self.takes(meaning):
            self.numbers[-1] += by
        else:
            self._begin(by, PLACES[by] + 1)
        self._free, self._wide = PLACES[by], False

    def _begin(self, value: int, digits: int) -> None:
        self.numbers.append(value)
        self.digits += digits
        self._free, self._wide = 0, False

    @property
    def has_thousands(self) -> bool:
        """Whether the last word was "thousand": hundreds may follow."""
        return self._free == PLACES[1_000]

    @property
    def value(self) -> int:
        """The last number."""
        return self.numbers[-1]

    @property
    def is_year(self) -> bool:
        """Whether it says a year of our time: "nineteen eighty four", "two thousand nineteen"."""
        match self.numbers:
            case [year]:
                return year in YEARS and self.digits == 4
            case [19 | 20, rest]:
                return 10 <= rest <= 99
            case [19 | 20, 0, rest]:
                return 1 <= rest <= 9
        return False

    @property
    def is_clock(self) -> bool:
        """Whether it says a time of day: "nine thirty", "ten oh five"."""
        match self.numbers:
            case [hour, minute]:
                return hour in HOURS and minute in MINUTES
            case [hour, 0, minute]:
                return hour in HOURS and 1 <= minute <= 9
        return False

    @property
    def is_amount(self) -> bool:
        """Whether it has millions: nobody dictates a card so."""
        return len(self.numbers) == 1 and self.value >= MILLION
