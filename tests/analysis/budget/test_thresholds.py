"""Thresholds from a budget: the bound, the choice, what is read, and the command on real calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.budget.calm_calls import CallsError, read_calls
from analysis.budget.thresholds import THRESHOLDS, evidence_of, main, most_likely, promise
from analysis.scorers.scoring import Threaded, one_by_one
from analysis.shift.detector import Evidence, ShiftRules
from bench.evaluation.vader import VaderScorer
from callbus import Role, Tier

CALM: dict[str, Any] = {
    "id": "calm",
    "turns": [
        {"party": "agent", "text": "How can I help?"},
        {"party": "customer", "text": "I want to change the address on my account please."},
        {"party": "agent", "text": "What is the new one?"},
        {"party": "customer", "text": "It is seven Mill Lane in the same town."},
    ],
}


def lines(path: Path, *records: object) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


@pytest.mark.parametrize(("events", "bound"), [(0, 2.303), (1, 3.890), (5, 9.275), (50, 60.339)])
def test_the_bound_is_the_exact_one(events: int, bound: float) -> None:
    """Garwood's one-sided bound at 90 %, as in the tables of it."""
    assert most_likely(events) == pytest.approx(bound, abs=0.01)


def falls(*depths: float) -> list[dict[str, list[Evidence]]]:
    """Calls with calm openings after which two turns fall to a depth."""
    return [
        {"customer": [Evidence(turn, odds, 1.0, turn * 10.0) for turn, odds in enumerate((0, 0, -depth, -depth))]}
        for depth in depths
    ]


def test_the_lowest_thresholds_that_keep_their_budgets_are_chosen() -> None:
    """One step lower would break the budget; an interruption needs at least as much as a mark."""
    rules = ShiftRules(smoothing=1.0)
    calls = falls(*(0.5 + 0.02 * step for step in range(100)))
    mark, interruption = promise(calls, 100.0, rules, (0.3, 0.05))
    assert mark.threshold is not None
    assert interruption.threshold is not None
    assert mark.at_most <= 0.3
    assert interruption.at_most <= 0.05
    assert mark.alarms == sum(0.5 + 0.02 * step >= mark.threshold for step in range(100))
    lower = THRESHOLDS[THRESHOLDS.index(mark.threshold) - 1]
    assert most_likely(sum(0.5 + 0.02 * step >= lower for step in range(100))) / 100 > 0.3
    assert interruption.threshold > mark.threshold


def test_too_little_is_refused_with_what_is_missing() -> None:
    """Without an alarm at all it takes 2.3 hours for a budget of one an hour."""
    mark, interruption = promise(falls(0.1), 2.0, ShiftRules(), (2.0, 1.0))
    assert mark.threshold == THRESHOLDS[0]
    assert interruption.threshold is None
    assert interruption.hours_missing == pytest.approx(0.303, abs=0.01)
    assert interruption.tier is Tier.INTERRUPTION


def test_dialogues_and_transcripts_are_read(tmp_path: Path) -> None:
    """Times where they are given, else reckoned; transcripts of one call in the order of the call; all of a folder."""
    transcript = {"type": "transcript", "call_id": "t", "role": "customer", "confidence": 0.8, "dropped": ""}
    later = {**transcript, "text": "goodbye", "start_seconds": 60, "end_seconds": 61.5}
    first = {**transcript, "text": "hello there", "start_seconds": 1, "end_seconds": 2}
    silent = {**transcript, "text": "", "start_seconds": 3, "end_seconds": 4, "dropped": "silence"}
    timed = {"id": "timed", "turns": [{"party": "customer", "text": "hi", "start_seconds": 5, "end_seconds": 9}]}
    lines(tmp_path / "a.jsonl", later, silent, first)
    lines(tmp_path / "b.jsonl", CALM, timed)
    transcribed, reckoned, given = read_calls([tmp_path], 60)
    assert [said.text for said in transcribed.said] == ["hello there", "goodbye"]
    assert (transcribed.seconds, transcribed.timed) == (61.5, True)
    assert reckoned.seconds == pytest.approx(4 + 10 + 5 + 9 + 1.5)
    assert not reckoned.timed
    assert (given.seconds, given.timed) == (9.0, True)
    assert reckoned.said[1].role is Role.CUSTOMER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        '{"id": "a"}',
        '{"id": "a", "turns": 5}',
        '{"id": "a", "turns": [{"party": "nobody", "text": "x"}]}',
        '{"id": "a", "turns": [{"party": "agent", "text": "no customer in it"}]}',
        '{"id": "a", "turns": [{"party": "customer", "text": "x", "start_seconds": 9, "end_seconds": 1}]}',
        '{"id": "a", "turns": [{"party": "customer", "text": "x", "start_seconds": 0, "end_seconds": NaN}]}',
        '{"type": "transcript", "call_id": "a"}',
        "[" * 100_000,
    ],
)
def test_a_file_without_calls_ends_with_one_line(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, and one line that names the file."""
    path = tmp_path / "own.jsonl"
    path.write_text(text)
    with pytest.raises(CallsError):
        read_calls([path], 170)
    assert main([str(path)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "own.jsonl" in told


async def test_what_was_heard_is_kept_for_every_threshold() -> None:
    """A call gives the evidence of each of its customer's turns, once for each utterance of them."""
    path = Path(__file__).parents[3] / "tools" / "scorer" / "composed" / "technical-support.jsonl"
    call = read_calls([path], 170)[0]
    scoring = Threaded(one_by_one(VaderScorer()))
    known = await evidence_of(call, scoring)
    await scoring.close()
    assert list(known) == ["customer"]
    assert len(known["customer"]) >= 3


def test_the_command_writes_settings_that_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With hours enough it prints the table and the two lines, and writes them for --config."""
    turns = [{**turn, "start_seconds": 600 * at, "end_seconds": 600 * at + 3} for at, turn in enumerate(CALM["turns"])]
    calls = lines(tmp_path / "calm.jsonl", *({"id": str(number), "turns": turns} for number in range(12)))
    config = tmp_path / "callvane.toml"
    config.write_text("[analysis]\nrefractory_seconds = 30\n")
    written = tmp_path / "thresholds.toml"
    assert main([str(calls), "--config", str(config), "--write", str(written)]) == 0
    told = capsys.readouterr().out
    assert "12 calm calls, 6.01 hours" in told
    assert "mark_threshold = " in told
    assert written.read_text() in told
    assert main([str(calls), "--config", str(written), "--words-per-minute", "1"]) == 2
    assert main([str(lines(tmp_path / "few.jsonl", CALM)), "--config", str(config)]) == 1
    assert "more hours are needed" in capsys.readouterr().err
