"""`python -m tools.labels`, as a labeller calls it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools.labels.__main__ import main
from tools.labels.files import HOLLOW, MAX_FILE_BYTES, SECOND, SETTLED, TESTS, of_set, second_sets


def test_agreement_prints_a_table_for_each_set(capsys: pytest.CaptureFixture[str]) -> None:
    """Every file of second/ is printed with its dialogues, unless sets are named."""
    assert main(["agreement"]) == 0
    printed = capsys.readouterr().out
    assert [printed.count(f"{named}: ") for named in second_sets()] == [1] * len(second_sets())
    assert main(["agreement", "tests"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("tests: 121 dialogues\n\n| label | judged |")
    assert "| disputed | for the first | for the second |" in printed.splitlines()[2]


def test_what_blind_prints_can_be_labelled_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file with a line for each dialogue of a blind sample has no fault; named as a set, it says what is left."""
    assert main(["blind", "phone-c", "--count", "3"]) == 0
    blocks = capsys.readouterr().out.split("### ")[1:]
    assert len(blocks) == 3
    lines = []
    for block in blocks:
        heading, *turns = block.strip().splitlines()
        words = ["-" if turn.split()[1] == "A:" else "0 none" for turn in turns]
        lines.append(json.dumps({"id": heading.split()[0], "opening": "UNCLEAR", "turns": words}))
    path = tmp_path / "phone-c.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    assert main(["check", str(path)]) == 0
    left = len(of_set("phone-c")) - 3
    assert f"faults: 0\n{path}: {left} of phone-c left to label: c-0" in capsys.readouterr().out


def test_check_reads_each_kind_of_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A writer's, a second hand's, a settled file and one of hollow turns are told apart by themselves."""
    assert main(["check", str(TESTS / "hands" / "brisk.jsonl")]) == 0
    assert main(["check", str(SECOND / "tests.jsonl")]) == 0
    assert "0 of tests left to label" in capsys.readouterr().out
    assert main(["check", str(SETTLED / "tests-hands.jsonl")]) == 0
    assert "0 of tests-hands left to label" in capsys.readouterr().out
    assert main(["check", str(HOLLOW)]) == 0
    assert re.fullmatch(r".*: \d+ dialogues, \d+ hollow turns; faults: 0\n", capsys.readouterr().out)


def test_a_fault_is_printed_and_ends_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file with a fault gives exit status 1, and the fault with its file and line."""
    path = tmp_path / "mine.jsonl"
    path.write_text('\n{"id": "nobody", "opening": "PLAN", "turns": []}\n', "utf-8")
    assert main(["check", str(path)]) == 1
    assert f"{path}: line 2: no dialogue 'nobody'\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "1: not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "1: not JSON"),
        (b" " * (MAX_FILE_BYTES + 1), "longer than 16 MiB"),
        (None, "No such file"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, told: str
) -> None:
    """A file that is no JSON lines, is too long or is not there gives exit status 2 and says why."""
    path = tmp_path / "mine.jsonl"
    if content is not None:
        path.write_bytes(content)
    assert main(["check", str(path)]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"tools.labels: {path}:")
    assert told in said


@pytest.mark.parametrize("step", ["agreement", "blind"])
def test_an_unknown_set_is_told_with_those_there_are(step: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A set that there is not gives exit status 2 and the names of those there are."""
    assert main([step, "../tests"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "'../tests'" in said
    assert "phone-c" in said
