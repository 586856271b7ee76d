"""The labelled sets: composed, tests, hands, MAIA or one's own, and what other hands say of the tests."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.evaluation.dialogues import Dialogue, read_jsonl, read_maia
from bench.evaluation.hands import read_hand, relabelled
from bench.evaluation.word_errors import WordErrors

ROOT = Path(__file__).resolve().parents[2]
COMPOSED = ROOT / "tools" / "scorer" / "composed"
TESTS = ROOT / "tests" / "dialogues"
HANDS = TESTS / "hands"
SECOND = ROOT / "tools" / "labels" / "second"
SETTLED = ROOT / "tools" / "labels" / "settled"
FIRST_HAND, SECOND_HAND, SETTLED_HANDS = "first hand", "second hand", "settled"
ANNOTATORS = "annotators"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A set of dialogues with one hand's labels, and its targets."""

    name: str
    truth: str
    """Whose labels they are."""
    dialogues: Sequence[Dialogue]
    errors: Mapping[str, WordErrors] = field(repr=False)
    """By group: the words of its set, with which its own are confused."""
    targets: Mapping[str, float] = field(default_factory=dict)

    @property
    def groups(self) -> list[str]:
        """The groups, in order."""
        return sorted({one.group for one in self.dialogues})

    def heard(self, rate: float, seed: int) -> Sequence[Dialogue]:
        """The dialogues with this share of the words wrong, 0 to 1."""
        if not rate:
            return self.dialogues
        return [self.errors[one.group].corrupt(one, rate, seed) for one in self.dialogues]

    def only(self, name: str, dialogues: Container[str]) -> Labelled:
        """The dialogues with these ids, as a set of this name; their words are confused as in the whole set."""
        return replace(self, name=name, dialogues=[one for one in self.dialogues if one.name in dialogues])

    def joined(self, other: Labelled, targets: Mapping[str, float]) -> Labelled:
        """Both sets as one."""
        return Labelled(
            f"{self.name} + {other.name}",
            self.truth if self.truth == other.truth else f"{self.truth}, {other.truth}",
            [*self.dialogues, *other.dialogues],
            {**self.errors, **other.errors},
            targets,
        )


@dataclass(frozen=True, slots=True)
class Tested:
    """A test set as each hand labelled it."""

    main: Labelled
    """By the settled labels; without any, by the first hand's."""
    first: Labelled
    second: Labelled | None
    """The dialogues that a second hand labelled too, if there are any."""

    def joined(self, other: Tested, targets: Mapping[str, float]) -> Tested:
        """Both sets as one."""
        return Tested(
            self.main.joined(other.main, targets),
            self.first.joined(other.first, targets),
            self.second.joined(other.second, targets) if self.second and other.second else None,
        )


def labelled(
    name: str, truth: str, dialogues: Sequence[Dialogue], targets: Mapping[str, float] | None = None
) -> Labelled:
    """A set whose words are confused with each other."""
    errors = WordErrors(dialogues)
    return Labelled(name, truth, dialogues, {one.group: errors for one in dialogues}, targets or {})


def composed(groups: Collection[str], targets: Mapping[str, float]) -> Labelled:
    """The composed dialogues of these groups, in their order. Raises OSError, DialogueError."""
    files = [path for group in groups if (path := COMPOSED / f"{group}.jsonl").is_file()]
    return labelled("composed", FIRST_HAND, [one for path in files for one in read_jsonl(path)], targets)


def tests(targets: Mapping[str, float]) -> Tested:
    """The test calls. Raises OSError, DialogueError."""
    return by_hands("tests", TESTS, "tests", targets)


def hands(targets: Mapping[str, float]) -> Tested:
    """The six hands' test dialogues; the hand is the group. Raises OSError, DialogueError."""
    return by_hands("hands", HANDS, "tests-hands", targets)


def spanish(folder: Path = TESTS / "spanish") -> Labelled:
    """The Spanish dialogues, as their writer labelled them. Raises OSError, DialogueError."""
    return labelled("spanish", FIRST_HAND, [one for path in sorted(folder.glob("*.jsonl")) for one in read_jsonl(path)])


def by_hands(
    name: str,
    folder: Path,
    file: str,
    targets: Mapping[str, float],
    *,
    second: Path = SECOND,
    settled: Path = SETTLED,
) -> Tested:
    """A folder's dialogues, and others' labels of them in the files of this name. Raises OSError, DialogueError."""
    first = labelled(
        name, FIRST_HAND, [one for path in sorted(folder.glob("*.jsonl")) for one in read_jsonl(path)], targets
    )
    main, other = first, None
    if (path := settled / f"{file}.jsonl").is_file():
        main = replace(first, truth=SETTLED_HANDS, dialogues=relabelled(first.dialogues, read_hand(path)))
    if (path := second / f"{file}.jsonl").is_file():
        turns = read_hand(path)
        known = first.only(name, turns)
        other = replace(known, truth=SECOND_HAND, dialogues=relabelled(known.dialogues, turns))
    return Tested(main, first, other)


def maia(folder: Path, targets: Mapping[str, float]) -> Labelled:
    """Real chats, machine-translated. Raises OSError."""
    return labelled("MAIA", ANNOTATORS, read_maia(folder), targets)


def own(path: Path) -> Labelled:
    """One's own dialogues. Raises OSError, DialogueError."""
    return labelled(path.name, "you", read_jsonl(path))
