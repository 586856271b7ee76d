"""Hub classifiers as scorers: real small networks, one label a turn or several."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.scorers.classifier import Calibration, ClassifierScorer
from analysis.scorers.classifier_files import ClassifierFiles, chosen_model, classifier_files
from analysis.scorers.labels import GO_EMOTIONS
from analysis.scorers.shipped import Feeling
from analysis.turns.score import MOST_LOG_ODDS, Score
from analysis.turns.turn import Turn
from callbus import Role
from service.settings import ConfigError
from tests.analysis.classifiers import INT32, classifier

SENTIMENT = ("negative", "neutral", "positive")
WORDS = {
    "terrible": {"negative": 4.0},
    "wrong": {"negative": 1.5},
    "lovely": {"positive": 4.0},
    "thanks": {"positive": 1.5},
    "bill": {"neutral": 1.0},
}
BIAS = {"neutral": 2.0}
TEXTS = (
    "terrible",
    "the bill is wrong and this is terrible terrible terrible",
    "lovely thanks",
    "",
    "the bill",
    "thanks but it is wrong wrong wrong wrong",
)


def turn(text: str, confidence: float = 1.0) -> Turn:
    """A customer's turn."""
    return Turn(3, "customer", Role.CUSTOMER, text, 10.0, 12.0, confidence, 1)


def files(folder: Path, file: str = "") -> ClassifierFiles:
    """Those of a local folder."""
    return classifier_files(str(folder), "", file)


def sentiment(folder: Path, **about: Any) -> ClassifierScorer:
    """A classifier of three labels."""
    return ClassifierScorer(files(classifier(folder, SENTIMENT, WORDS, bias=BIAS, **about)))


def shares_of(*logits: float) -> Feeling:
    """The feeling that three logits of one label a turn make."""
    raised = np.exp(logits)
    unhappy, neutral, pleased = raised / raised.sum()
    return Feeling(unhappy, neutral, pleased)


def test_scores_are_log_odds_of_the_sides(tmp_path: Path) -> None:
    """Half of neutral goes to each side, as for the shipped scorer; the terms are the labels and sum to the score."""
    scorer = sentiment(tmp_path)
    score = scorer.score(turn("wrong wrong bill"), ())
    assert score.log_odds == pytest.approx(shares_of(3, 3, 0).log_odds, abs=1e-5)
    assert score.weight == pytest.approx(3 / 5)
    assert [term.name for term in score.terms] == ["negative"]
    assert sum(term.value for term in score.terms) == pytest.approx(score.value)
    assert scorer.score(turn("terrible " * 10), ()).value == -MOST_LOG_ODDS
    assert scorer.score(turn("lovely thanks lovely thanks lovely"), ()).value > 1
    assert scorer.score(turn("the bill"), ()).value == pytest.approx(0, abs=0.1)


def test_together_is_as_one_by_one(tmp_path: Path) -> None:
    """Turns of different length, more than one run holds: each has its own score, in the order asked."""
    scorer = sentiment(tmp_path)
    asked = [(turn(text), ()) for text in itertools.islice(itertools.cycle(TEXTS), 70)]
    for one, score in zip(asked, scorer.scores(asked), strict=True):
        alone = scorer.score(*one)
        assert score.log_odds == pytest.approx(alone.log_odds, abs=1e-5)
        assert [term.name for term in score.terms] == [term.name for term in alone.terms]
    assert scorer.scores([]) == []


@pytest.mark.parametrize("order", [*itertools.permutations(SENTIMENT)])
def test_the_order_of_labels_changes_nothing(tmp_path: Path, order: tuple[str, ...]) -> None:
    """The same network with its labels in another order gives the same scores."""
    scorer = ClassifierScorer(files(classifier(tmp_path / "other", order, WORDS, bias=BIAS)))
    expected = sentiment(tmp_path / "first")
    for text in TEXTS:
        assert scorer.score(turn(text), ()).log_odds == pytest.approx(expected.score(turn(text), ()).log_odds, abs=1e-5)


@pytest.mark.parametrize("integers", [INT32, 7], ids=["int32", "int64"])
@pytest.mark.parametrize(
    "inputs", [("input_ids", "attention_mask"), ("input_ids", "attention_mask", "token_type_ids")], ids=["two", "three"]
)
def test_inputs_are_what_the_network_wants(tmp_path: Path, inputs: tuple[str, ...], integers: int) -> None:
    """With or without type ids, of either width: the scores are the same, and padding is masked."""
    scorer = sentiment(tmp_path / "this", inputs=inputs, integers=integers)
    plain = sentiment(tmp_path / "plain")
    asked = [(turn(text), ()) for text in TEXTS]
    for score, expected in zip(scorer.scores(asked), plain.scores(asked), strict=True):
        assert score.log_odds == pytest.approx(expected.log_odds, abs=1e-5)


def test_several_labels_a_turn(tmp_path: Path) -> None:
    """A side has what at least one of its labels has; cores of one name are one term."""
    words = {"cross": {"anger": 6.0, "annoyance": 5.0, "disgust": 4.0}, "ta": {"gratitude": 7.0, "relief": 5.0}}
    bias = dict.fromkeys(GO_EMOTIONS, -5.0)
    folder = classifier(tmp_path, tuple(GO_EMOTIONS), words, many=True, bias=bias)
    scorer = ClassifierScorer(files(folder))
    cross = scorer.score(turn("cross and one two three four"), ())
    low = 1 / (1 + np.exp(5))
    others = [low] * 6
    unhappy = 1 - np.prod([1 - 1 / (1 + np.exp(-logit)) for logit in (1, 0, -1)]) * np.prod([1 - one for one in others])
    assert cross.log_odds == pytest.approx(Feeling(float(unhappy), 0, 0).log_odds, abs=0.02)
    assert [term.name for term in cross.terms][:3] == ["anger", "frustration", "disgust"]
    assert sum(term.value for term in cross.terms) == pytest.approx(cross.value)
    assert {term.name for term in scorer.score(turn("ta ta ta"), ()).terms} >= {"gratitude", "relief"}
    assert abs(scorer.score(turn("one two three four five"), ()).value) < 0.2


def test_special_tokens_that_are_said_are_words(tmp_path: Path) -> None:
    """A turn that spells the tokenizer's own marks does not make them."""
    scorer = ClassifierScorer(files(classifier(tmp_path, tuple(GO_EMOTIONS), {}, many=True)))
    plain, marked = scorer.scores([(turn("a b c"), ()), (turn("[PAD] [SEP] [PAD]"), ())])
    assert marked.log_odds == plain.log_odds


def test_temperature_and_base_rate_take_back(tmp_path: Path) -> None:
    """A higher temperature is more careful; unhappiness up to the base rate is calm, and never pleased."""
    folder = classifier(tmp_path, SENTIMENT, WORDS, bias=BIAS)

    def odds(text: str, **calibration: float) -> float:
        return ClassifierScorer(files(folder), calibration=Calibration(**calibration)).score(turn(text), ()).log_odds  # type: ignore[arg-type]

    assert odds("terrible") < odds("terrible", temperature=3.0) < 0
    base = shares_of(0, 2, 0).unhappy
    assert odds("nothing") < -0.1
    assert odds("nothing", base_rate=base) == pytest.approx(0, abs=1e-5)
    assert odds("nothing", base_rate=0.5) == 0
    assert odds("lovely", base_rate=0.5) == odds("lovely")


def test_the_end_of_a_long_turn_is_read(tmp_path: Path) -> None:
    """Words past the tokens are cut from the beginning; a network's own bound holds whatever is set."""
    scorer = ClassifierScorer(
        files(classifier(tmp_path, SENTIMENT, WORDS, bias=BIAS)), calibration=Calibration(tokens=512)
    )
    assert scorer.score(turn("lovely " * 5 + "bill " * 300 + "terrible " * 60), ()).log_odds == -MOST_LOG_ODDS


def test_figures_that_are_none_are_neutral(tmp_path: Path) -> None:
    """A network that overflows on a word says nothing of that turn, and all of the others."""
    words = {**WORDS, "overflow": {"negative": 3e38}, "nothing": {"neutral": float("nan")}}
    scorer = ClassifierScorer(files(classifier(tmp_path, SENTIMENT, words, bias=BIAS)))
    first, second, third = scorer.scores([(turn(text), ()) for text in ("overflow overflow", "nothing", "terrible")])
    assert (first.value, second.value) == (0, 0)
    assert third.value < 0


def test_a_quantised_model_is_preferred() -> None:
    """Unless a file is named; `onnx/` is looked into, too."""
    names = {"config.json", "model.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx", "onnx/model_fp16.onnx"}
    assert chosen_model(names, "") == "onnx/model_quantized.onnx"
    assert chosen_model(names, "model.onnx") == "model.onnx"
    assert chosen_model(names, "model_fp16.onnx") == "onnx/model_fp16.onnx"
    assert chosen_model(names, "other.onnx") is None
    assert chosen_model({"config.json", "onnx/model.onnx"}, "") == "onnx/model.onnx"


def test_the_onnx_folder_is_looked_into(tmp_path: Path) -> None:
    """With the tokenizer beside it, as the hub's exports lie."""
    assert sentiment(tmp_path, model="onnx/model_quantized.onnx").score(turn("terrible"), ()).log_odds < -1


def broken(folder: Path, name: str, content: str | bytes | None) -> Path:
    """A good folder with one file spoilt, or gone."""
    classifier(folder, SENTIMENT, WORDS)
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("model.onnx", None, "lacks model.onnx"),
        ("config.json", None, "lacks config.json"),
        ("tokenizer.json", None, "lacks tokenizer.json"),
        ("model.onnx", b"\x08\x08garbage", "model.onnx cannot be loaded"),
        ("config.json", "{", "config.json cannot be read"),
        ("config.json", "[" * 100_000, "config.json cannot be read"),
        ("config.json", "[]", "has no id2label"),
        ("config.json", '{"id2label": {"1": "negative", "2": "positive"}}', "has no id2label"),
        ("config.json", '{"id2label": {"0": 7}}', "has no id2label"),
        ("config.json", '{"id2label": {"0": "LABEL_0"}}', "analysis.classifier_labels: no built-in map"),
        ("config.json", '{"id2label": {"0": "a", "1": "b"}}', "for the labels 'a', 'b'"),
        ("config.json", '{"id2label": {"0": "1 star", "1": "2 stars", "2": "3 stars"}}', "'1 star', '2 stars'"),
        ("tokenizer.json", "{}", "tokenizer.json cannot be read"),
    ],
)
def test_a_broken_folder_is_refused_in_one_line(tmp_path: Path, name: str, content: str | None, said: str) -> None:
    """What is missing or spoilt is named, with the labels found where they are the matter."""
    with pytest.raises(ConfigError) as fault:
        ClassifierScorer(files(broken(tmp_path, name, content)))
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)


def test_another_models_config_is_refused(tmp_path: Path) -> None:
    """The network is tried before it is believed: as many figures as labels."""
    folder = broken(
        tmp_path, "config.json", '{"id2label": {"0": "negative", "1": "neutral", "2": "positive", "3": "x"}}'
    )
    own = {"negative": "unhappy", "neutral": "neutral", "positive": "pleased", "x": "neutral"}
    with pytest.raises(ConfigError, match=r"shape \(2, 3\), not \(2, 4\)"):
        ClassifierScorer(files(folder), labels=own)


def test_foreign_inputs_are_refused(tmp_path: Path) -> None:
    """A network that wants more than text says what."""
    folder = classifier(tmp_path, SENTIMENT, WORDS, inputs=("input_ids", "attention_mask", "pixel_values"))
    with pytest.raises(ConfigError, match="needs inputs attention_mask, input_ids, pixel_values"):
        ClassifierScorer(files(folder))


@pytest.mark.parametrize("name", ["/nowhere/at/all", "./nowhere", "plain", "a/b/c", "~/x"])
def test_a_name_that_is_no_folder_and_no_hub_name_is_refused(name: str) -> None:
    """Nobody is asked over the network for it."""
    with pytest.raises(ConfigError, match="neither a folder nor OWNER/NAME"):
        classifier_files(name, "", "")


def test_the_whole_score_is_bounded(tmp_path: Path) -> None:
    """Whatever the figures, log-odds stay in their range and the weight in its."""
    scorer = sentiment(tmp_path)
    scores: list[Score] = scorer.scores([(turn(text * 50, 0.3), ()) for text in TEXTS])
    assert all(-MOST_LOG_ODDS <= score.log_odds <= MOST_LOG_ODDS and 0 <= score.weight <= 0.3 for score in scores)
