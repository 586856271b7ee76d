"""What the evaluation counts, on dialogues small enough to count by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.scorers.shipped import FeelingScorer
from analysis.settings import AnalysisSection
from analysis.shift.detector import ShiftRules
from bench.evaluation.budget import INTERRUPTIONS_PER_HOUR, MARKS_PER_100_TURNS, by_group, within_budget
from bench.evaluation.dialogues import Dialogue, DialogueError, Line, read_jsonl, read_maia
from bench.evaluation.gold import gold, match
from bench.evaluation.judges import ByWords, Chosen, Labels, Length
from bench.evaluation.measures import FIGURES, auc, chance_f1, delays, figures, sums
from bench.evaluation.playing import Played, interruptions, play
from bench.evaluation.report import entry, show
from bench.evaluation.vader import VaderScorer
from bench.evaluation.word_errors import WordErrors
from callbus import Role

TESTS = Path(__file__).parents[1] / "dialogues"
RULES = ShiftRules()


def dialogue(labels: list[int], name: str = "d", group: str = "g") -> Dialogue:
    """An agent and a customer in turn, six words each."""
    lines = []
    for number, label in enumerate(labels):
        lines.append(Line(Role.AGENT, (f"agent line number {number} goes here",)))
        lines.append(Line(Role.CUSTOMER, (f"customer line number {number} goes here",), label))
    return Dialogue(name, group, tuple(lines))


def played(labels: list[int], worsened: tuple[int, ...] = (), recovered: tuple[int, ...] = ()) -> Played:
    """What came of a dialogue of half an hour."""
    odds = tuple(float(label) for label in labels)
    return Played("d", "g", tuple(labels), odds, (6,) * len(labels), worsened, (), recovered, 1800.0)


@pytest.mark.parametrize(
    ("labels", "onsets", "recoveries"),
    [
        ([0, 0, 0], (), ()),
        ([0, -1, 0, 0], (), ()),
        ([0, -1, -1, 0], (1,), ()),
        ([0, -1, 0, -1, 0], (1,), ()),
        ([0, -1, 0, 0, -1], (), ()),
        ([-1, -1, 0, 1], (), ()),
        ([-1, -1, 0, 0, 0, -1, -1, 0, 1, 1], (5,), (8,)),
        ([0, -1, -1, 1, 0], (1,), (3,)),
        ([0, -1, -1, 0, 0, 0, 1], (1,), (6,)),
        ([0, -1, -1, 0, 0, -1, 1], (1,), ()),
        ([], (), ()),
    ],
)
def test_onsets_and_recoveries(labels: list[int], onsets: tuple[int, ...], recoveries: tuple[int, ...]) -> None:
    """An onset is followed by another unhappy turn within two and does not open the call; recovery pleases."""
    known = gold(labels)
    assert known.onsets == onsets
    assert known.recoveries == recoveries
    assert known.calm == (-1 not in labels)


@pytest.mark.parametrize(
    ("wanted", "found", "pairs"),
    [
        ((3,), (3,), [(3, 3)]),
        ((3,), (5,), [(3, 5)]),
        ((3,), (6,), []),
        ((3,), (2,), []),
        ((3,), (3, 4), [(3, 3)]),
        ((3, 4), (4, 5), [(3, 4), (4, 5)]),
    ],
)
def test_an_alarm_finds_an_onset_within_two_turns(
    wanted: tuple[int, ...], found: tuple[int, ...], pairs: list[tuple[int, int]]
) -> None:
    """One to one, not before and not later than two customer turns after."""
    assert match(wanted, found) == pairs


def test_sums_and_figures() -> None:
    """One onset found, one missed, one late alarm, one alarm in a calm call."""
    calls = [
        played([0, -1, -1, -1, -1, 1], worsened=(2,), recovered=(5,)),
        played([0, -1, -1, -1, -1, 0], worsened=(4,)),
        played([0, 0, 0, 0], worsened=(3,)),
        played([0, 0, 0, 0]),
    ]
    total = sums(calls)
    assert (total["onsets"], total["onsets found"], total["alarms"], total["late alarms"]) == (2, 1, 3, 1)
    measured = {name: figure.value for name, figure in figures(calls).items()}
    assert set(measured) == set(FIGURES)
    assert measured["onset precision"] == pytest.approx(1 / 3)
    assert measured["onset recall"] == 0.5
    assert measured["onset F1"] == pytest.approx(0.4)
    assert measured["recovery F1"] == 1.0
    assert measured["false alarms"] == pytest.approx(5.0)
    assert measured["late alarms"] == pytest.approx(5.0)
    assert measured["false alarms by time"] == 0.5
    assert measured["false alarms in calm calls"] == 1.0
    assert measured["calm dialogues alarmed"] == 0.5
    assert delays(calls) == (1.0, 1.0)


def test_intervals_hold_the_value() -> None:
    """Resampling dialogues gives an interval around what all of them give."""
    calls = [played([0, 0, -1, -1], worsened=(3,)), played([0, 0, -1, -1]), played([0, 0, 0], worsened=(1,))] * 10
    figure = figures(calls)["onset F1"]
    assert figure.low < figure.value < figure.high


def test_auc_counts_ties_half() -> None:
    """The chance that a positive scores higher."""
    positive = np.array([True, True, False, False])
    assert auc(np.array([2.0, 3.0, 0.0, 1.0]), positive) == 1.0
    assert auc(np.array([1.0, 1.0, 1.0, 1.0]), positive) == 0.5
    assert auc(np.array([1.0, 3.0, 2.0, 1.0]), positive) == 0.625
    assert math.isnan(auc(np.array([1.0]), np.array([True])))
    twice = auc(np.array([1.0, 3.0, 2.0, 1.0]), positive, np.array([2.0, 1.0, 1.0, 1.0]))
    assert twice == auc(np.array([1.0, 1.0, 3.0, 2.0, 1.0]), np.array([True, *positive]))


def test_chance_is_far_below_certainty() -> None:
    """As many alarms at random turns find few onsets."""
    calls = [played([0, 0, 0, 0, 0, 0, -1, -1, -1], worsened=(7,)) for _ in range(20)]
    assert 0.1 < chance_f1(calls) < 0.6


def test_labels_fed_to_the_detector_find_a_plain_shift() -> None:
    """The detector given the annotator's own judgement raises what is there, and nothing in a calm call."""
    assert play(dialogue([0, 0, -1, -1, -1, 0]), Labels(), RULES, 1.0).worsened
    assert not play(dialogue([0, 0, 0, 1, 0, 0]), Labels(), RULES, 1.0).worsened


def test_turns_are_the_customers() -> None:
    """Two lines of one party are one turn, and an acknowledgement has no score of its own."""
    lines = (
        Line(Role.AGENT, ("hello what can i do",)),
        Line(Role.CUSTOMER, ("my bill is wrong", "and i am not happy"), -1),
        Line(Role.AGENT, ("let me look",)),
        Line(Role.CUSTOMER, ("okay",), 0),
    )
    result = play(Dialogue("d", "g", lines), Labels(), RULES, 1.0)
    assert result.labels == (-1, 0)
    assert result.words == (9, 1)
    assert result.log_odds[0] < 0 == result.log_odds[1]


def test_a_budget_is_kept_where_it_can_be() -> None:
    """The thresholds found give no more false alarms than the budgets on the dialogues they were found on."""
    calls = [one for path in sorted(TESTS.glob("*.jsonl")) for one in read_jsonl(path)][:40]
    judge = Length()
    rules = within_budget(calls, judge, RULES, 1.0)
    played = [play(one, judge, rules, 1.0) for one in calls]
    assert figures(played)["false alarms"].value <= MARKS_PER_100_TURNS
    interrupted = figures([interruptions(one) for one in played])
    assert interrupted["false alarms by time"].value <= INTERRUPTIONS_PER_HOUR
    assert rules.interruption >= rules.threshold


def test_every_group_is_played_with_the_others_threshold() -> None:
    """Each dialogue comes back once, and there is a threshold for each group."""
    calls = [dialogue([0, 0, -1, -1], f"{group}{number}", group) for group in "abc" for number in range(3)]
    result, used = by_group(calls, Labels(), RULES, 1.0)
    assert sorted(each.name for each in result) == sorted(one.name for one in calls)
    assert len(used) == 3


def test_scorers_are_asked_once_for_the_same_words() -> None:
    """What a scorer said is remembered by the words and those before them."""
    judge = ByWords(VaderScorer())
    call = dialogue([0, -1])
    assert play(call, judge, RULES, 1.0) == play(call, judge, RULES, 1.0)


def test_the_scorer_of_ones_own_settings_judges_too() -> None:
    """It says of each turn what it says in calls."""
    chosen = Chosen(AnalysisSection())
    call = dialogue([0, -1, 1])
    assert play(call, ByWords(chosen), RULES, 1.0) == play(call, ByWords(FeelingScorer()), RULES, 1.0)
    chosen.close()


def test_word_errors_come_at_the_rate_asked() -> None:
    """About one word in five differs, the same way each time, and labels stay."""
    calls = read_jsonl(TESTS / "small-businesses.jsonl")
    errors = WordErrors(calls)
    said = heard = 0
    for call in calls:
        wrong = errors.corrupt(call, 0.2, seed=3)
        assert wrong == errors.corrupt(call, 0.2, seed=3)
        assert wrong.labels == call.labels
        for before, after in zip(call.lines, wrong.lines, strict=True):
            words = before.utterances[0].split()
            said += len(words)
            heard += sum(word in after.utterances[0].split() for word in words)
    assert 0.75 < heard / said < 0.92
    assert errors.corrupt(calls[0], 0.0, seed=3) == calls[0]


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "nonsense", '{"id": "a", "turns": [{"party": "customer", "text": "x", "label": 5}]}'],
)
def test_a_file_without_dialogues_is_told(tmp_path: Path, text: str) -> None:
    """Anything else than labelled dialogues names the file and its line."""
    path = tmp_path / "own.jsonl"
    path.write_text(text)
    with pytest.raises(DialogueError, match=r"own\.jsonl"):
        read_jsonl(path)


def test_maia_is_read_by_its_emotions(tmp_path: Path) -> None:
    """A customer's turn is unhappy where any sentence is; unknown emotions count for nothing."""
    (tmp_path / "labels.txt").write_text("neutral\nhappiness\nanger\n")
    turns = [
        {"floor": "outbound", "text_src": ["How may I", "help?"], "text_mt": ["Wie"], "Emotion": [0]},
        {"floor": "inbound", "text_src": ["Kaputt.", "Danke."], "text_mt": ["Broken.", "Thanks."], "Emotion": [2, 1]},
        {"floor": "inbound", "text_src": ["Gut."], "text_mt": ["Good."], "Emotion": [1, 99, None]},
    ]
    (tmp_path / "de_client_02_a.json").write_text(json.dumps([{"id": "c1", "turns": turns}]))
    (chat,) = read_maia(tmp_path)
    assert chat.group == "de_client_02_a"
    assert chat.labels == (-1,)
    assert chat.lines[0].utterances == ("How may I help?",)
    assert chat.lines[1].utterances == ("Broken. Thanks.", "Good.")


def test_the_table_and_its_rows_say_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """OUT names a file of rows with metric, value, unit, target, met and conditions; what is unknown is left out."""
    monkeypatch.setenv("OUT", str(tmp_path / "rows.json"))
    calls = [replace(played([0, 0, -1, -1], worsened=(3,)), name=str(number)) for number in range(4)]
    told = {
        "dialogues": "mine",
        "judge": "labels",
        "word_error": 0.1,
        "threshold": "1.5",
        "targets": {"onset F1": 0.65},
    }
    show([entry(calls, **told)])  # type: ignore[arg-type]
    rows = {row["metric"]: row for row in json.loads((tmp_path / "rows.json").read_text())}
    assert rows["onset F1"]["value"] == 1.0
    assert rows["onset F1"]["met"] is True
    assert rows["onset F1"]["conditions"].startswith("mine, labels, word error 10%, threshold 1.5")
    assert "recovery F1" not in rows
    line = capsys.readouterr().out.splitlines()[1]
    assert line.split()[:4] == ["mine", "labels", "10%", "1.5"]
    assert "1 [1 1]*" in line
