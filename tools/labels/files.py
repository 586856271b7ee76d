"""Where the dialogues, the second hand's labels and the settled ones lie, and their lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tools.labels.hand import LabelError, Labelled
from tools.labels.hollow import hollow
from tools.labels.second import labelled, line
from tools.labels.written import Dialogue, dialogue

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests" / "dialogues"
TRAINING = ROOT / "tools" / "scorer" / "dialogues"
COMPOSED = ROOT / "tools" / "scorer" / "composed"
SECOND = Path(__file__).parent / "second"
SETTLED = Path(__file__).parent / "settled"
HOLLOW = SETTLED / "hollow.jsonl"
MAX_FILE_BYTES = 16 << 20


class FileError(ValueError):
    """A file that cannot be read, or a set that there is not; one line says which and why."""


def sets() -> dict[str, list[Path]]:
    """The files of each set: the tests as one, each training file by its name, both halves of the hands and of Spanish,
    and the hands for training alone.
    """
    training = [*sorted(TRAINING.glob("*.jsonl")), *sorted(COMPOSED.glob("*.jsonl"))]
    return {
        "tests": sorted(TESTS.glob("*.jsonl")),
        "tests-hands": sorted((TESTS / "hands").glob("*.jsonl")),
        "training-hands": sorted((TRAINING / "hands").glob("*.jsonl")),
        "training-further": sorted((TRAINING / "further").glob("*.jsonl")),
        "tests-spanish": sorted((TESTS / "spanish").glob("*.jsonl")),
        "training-spanish": sorted((TRAINING / "spanish").glob("*.jsonl")),
        **{path.stem: [path] for path in training},
    }


def of_set(named: str) -> list[Dialogue]:
    """The dialogues of a set, in the order of its files. Raises FileError."""
    known = sets()
    if named not in known:
        raise FileError(f"no set {named!r}; there are {', '.join(known)}")
    return [one for path in known[named] for one in dialogues(path)]


def everything() -> dict[str, Dialogue]:
    """Every dialogue by its id. Raises FileError."""
    return {one.hand.name: one for named in sets() for one in of_set(named)}


def dialogues(path: Path) -> Iterator[Dialogue]:
    """A writer's file. Raises FileError."""
    for number, record in records(path):
        try:
            yield dialogue(record)
        except LabelError as error:
            raise FileError(f"{path}:{number}: {error}") from None


def pairs(named: str, known: dict[str, Dialogue]) -> list[tuple[Labelled, Labelled]]:
    """Both hands' labels of the dialogues in one of the second hand's files, given by its name. Raises FileError."""
    if named not in second_sets():
        raise FileError(f"no second labels {named!r}; there are {', '.join(second_sets())}")
    return [(known[one.name].hand, one) for one in _labels(SECOND / f"{named}.jsonl", known)]


def settled(named: str, known: dict[str, Dialogue]) -> dict[str, Labelled]:
    """What was settled of each dialogue in a set, by its id; empty if nothing was. Raises FileError."""
    path = SETTLED / f"{named}.jsonl"
    return {one.name: one for one in _labels(path, known)} if path in SETTLED.glob("*.jsonl") else {}


def hollow_turns(known: dict[str, Dialogue]) -> dict[str, tuple[int, ...]]:
    """The numbers, from 0, of the hollow turns in each dialogue that has any, as settled. Raises FileError."""
    found = {}
    for number, record in records(HOLLOW):
        try:
            name, turns = hollow(record, known)
        except LabelError as error:
            raise FileError(f"{HOLLOW}:{number}: {error}") from None
        found[name] = turns
    return found


def _labels(path: Path, known: dict[str, Dialogue]) -> Iterator[Labelled]:
    """A second hand's or a settled file. Raises FileError."""
    for number, record in records(path):
        try:
            given = line(record)
            if given.name not in known:
                raise LabelError([f"no dialogue {given.name!r}"])
            yield labelled(given, known[given.name].hand.parties)
        except LabelError as error:
            raise FileError(f"{path}:{number}: {error}") from None


def second_sets() -> list[str]:
    """The names of the second hand's files."""
    return [path.stem for path in sorted(SECOND.glob("*.jsonl"))]


def records(path: Path) -> Iterator[tuple[int, object]]:
    """The JSON of each line that is not blank, with the line's number from 1. Raises FileError."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
        if len(raw) > MAX_FILE_BYTES:
            raise FileError(f"{path}: longer than {MAX_FILE_BYTES >> 20} MiB")
        lines = raw.decode("utf-8").split("\n")
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileError(f"{path}: not UTF-8") from None
    for number, text in enumerate(lines, 1):
        if text.strip():
            try:
                yield number, json.loads(text)
            except (ValueError, RecursionError) as error:
                raise FileError(f"{path}:{number}: not JSON: {error}") from None
