"""The scorer that the settings name: what is refused at the start, and whole processes that judge by another one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from analysis.languages.files import tables
from analysis.languages.lexicon import lexicons
from analysis.scorers.choice import chosen_rules, chosen_scoring, judged_languages, listed_languages
from analysis.scorers.shipped import FEELING_RULES
from analysis.settings import AnalysisSection, AnalysisSettings
from analysis.turns.turn import Turn
from callbus import Alert, Role, Transcript
from callbus.redis.bus import Bus
from callbus.redis.settings import Keys
from service.settings import ConfigError, load
from testcall import scenario
from tests.analysis.chat import Request, always, completion, http, judged, model
from tests.analysis.classifiers import classifier
from tests.analysis.process import Analysis, analysis, of, publish, whole_call
from tests.published import until_ended

SENTIMENT = ("negative", "neutral", "positive")
WORDS = {
    **{word: {"negative": 6.0} for word in ("terrible", "angry", "frustrated", "wrong", "upset")},
    **{word: {"positive": 3.0} for word in ("thank", "lovely", "perfect")},
}
BIAS = {"neutral": 3.0}
KEYS = Keys("callvane")
LEXICONS = lexicons(tables())


def turn(text: str) -> Turn:
    """A customer's turn."""
    return Turn(3, "customer", Role.CUSTOMER, text, 10.0, 12.0, 0.9, 1)


def test_rules_are_the_same_for_every_scorer() -> None:
    """Every scorer answers in the same form, so that all share the rules; what settings say goes before."""
    for name in ("feeling", "classifier", "language_model"):
        section = AnalysisSection(scorer=name, refractory_seconds=7)
        assert chosen_rules(section).threshold == FEELING_RULES.threshold
        assert chosen_rules(section).refractory_seconds == 7


async def test_each_scorer_can_be_chosen(tmp_path: Path) -> None:
    """One setting names it; all judge the same turn as unhappy."""
    folder = classifier(tmp_path, SENTIMENT, WORDS, bias=BIAS)
    async with model(always(http(completion(judged())))) as served:
        sections: list[dict[str, Any]] = [
            {},
            {"scorer": "classifier", "classifier": str(folder)},
            {"scorer": "language_model", "language_model": "m", "language_model_url": served.url},
        ]
        for section in sections:
            scoring = chosen_scoring(AnalysisSection(**{"language_model_seconds": 20, **section}))
            assert (await scoring.score(turn("this is terrible and i am very angry"), ())).value < -1, section
            await scoring.close()
        assert len(served.requests) == 1


async def test_a_request_has_the_operators_key_and_fields(tmp_path: Path) -> None:
    """The key from its file, without the line's end that editors add."""
    (tmp_path / "key").write_text("sk-secret\n")
    async with model(always(http(completion(judged())))) as served:
        scoring = chosen_scoring(
            AnalysisSection(
                scorer="language_model",
                language_model="m",
                language_model_url=served.url,
                language_model_key_file=tmp_path / "key",
                language_model_seconds=20,
                language_model_fields={"reasoning_effort": "none"},
            )
        )
        await scoring.score(turn("hello"), ())
        await scoring.close()
    assert served.requests[0].body["reasoning_effort"] == "none"
    assert served.requests[0].headers["authorization"] == "Bearer sk-secret"


LOCAL = {"scorer": "language_model", "language_model": "m", "language_model_url": "http://127.0.0.1:1/v1"}


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"scorer": "classifier"}, 'analysis.classifier: scorer = "classifier" needs a folder or OWNER/NAME'),
        ({"scorer": "classifier", "classifier": "/nowhere"}, "analysis.classifier: '/nowhere' is neither a folder"),
        (
            {"scorer": "classifier", "classifier": "FOLDER", "classifier_labels": {"negative": "unhappy"}},
            "analysis.classifier_labels: no meaning given for 'neutral', 'positive'; the model has 'negative',",
        ),
        ({"scorer": "classifier", "classifier": "FOLDER", "classifier_file": "x.onnx"}, "lacks x.onnx"),
        ({"scorer": "language_model"}, "analysis.language_model_url: needed for"),
        ({**LOCAL, "language_model_fields": {"model": "x", "seed": 1}}, "language_model_fields: model cannot be set"),
        ({**LOCAL, "language_model": ""}, "analysis.language_model: needed for"),
        ({**LOCAL, "language_model_url": "http://203.0.113.7/v1"}, "language_model_anywhere = true"),
        ({**LOCAL, "language_model_key_file": "/nowhere"}, "analysis.language_model_key_file: /nowhere: No such file"),
        ({**LOCAL, "language_model_key_file": "FOLDER/empty"}, "contains no key"),
        ({**LOCAL, "language_model_key_file": "FOLDER/large"}, "contains no key"),
        ({**LOCAL, "language_model_key_file": "FOLDER/binary"}, "it is not text"),
        ({**LOCAL, "language_model_key": "a", "language_model_key_file": "FOLDER/empty"}, "keep only one"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, section: dict[str, Any], said: str) -> None:
    """By the setting's name, in one line."""
    classifier(tmp_path, SENTIMENT, WORDS)
    for name, content in (("empty", b" \n"), ("large", b"x" * 5_000), ("binary", b"\xff\xfe")):
        (tmp_path / name).write_bytes(content)
    settled = {
        name: value.replace("FOLDER", str(tmp_path)) if isinstance(value, str) else value
        for name, value in section.items()
    }
    with pytest.raises(ConfigError) as fault:
        chosen_scoring(AnalysisSection(**settled))
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)


def test_no_fault_repeats_the_key(tmp_path: Path) -> None:
    """Not one in the key itself, nor do the settings show it."""
    (tmp_path / "c.toml").write_text("[analysis]\nlanguage_model_key = 271828182845\n")
    with pytest.raises(ConfigError) as fault:
        load(AnalysisSettings, tmp_path / "c.toml")
    assert "analysis.language_model_key" in str(fault.value)
    assert "271828" not in str(fault.value)
    assert "sk-secret" not in repr(AnalysisSection(language_model_key="sk-secret"))


async def test_a_wrong_label_map_ends_the_process(tmp_path: Path) -> None:
    """With status 2 and one line that tells the labels found; the map comes from the environment."""
    folder = classifier(tmp_path, ("LABEL_0", "LABEL_1"), {})
    own = json.dumps({"LABEL_0": "unhappy", "LABEL_7": "pleased"})
    worker = await Analysis.start(
        analysis__scorer="classifier", analysis__classifier=str(folder), analysis__classifier_labels=own
    )
    assert await worker.ended(60) == 2
    assert worker.lines[-1].startswith(
        "analysis: analysis.classifier_labels: no meaning given for 'LABEL_1'; the model has"
    )
    assert "'LABEL_0', 'LABEL_1'" in worker.lines[-1]


async def test_a_hub_name_offline_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not fetched before is not asked for over the network where HF_HUB_OFFLINE is set."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    worker = await Analysis.start(analysis__scorer="classifier", analysis__classifier="owner/name")
    assert await worker.ended(60) == 2
    assert (
        "analysis.classifier: 'owner/name' is not a local folder, and the download from the hub failed"
        in worker.lines[-1]
    )


async def test_a_hub_name_is_found_where_it_was_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bus: Bus
) -> None:
    """At its revision, offline; calls are judged by it."""
    revision = "0123456789abcdef0123456789abcdef01234567"
    folder = tmp_path / "models--owner--name" / "snapshots" / revision
    classifier(folder, SENTIMENT, WORDS, bias=BIAS, model="onnx/model_quantized.onnx")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    chosen = of(bus, scorer="classifier", classifier="owner/name", classifier_revision=revision)
    async with analysis(**chosen):
        await publish(bus, whole_call("turns_angry", "angry"))
        done = await until_ended(bus, "angry")
    (alert,) = (p for p in done if isinstance(p, Alert))
    assert {term.name for term in alert.terms} >= {"negative"}


async def test_a_call_waits_for_its_turn_and_the_others_do_not(bus: Bus) -> None:
    """While the model holds one call's first turn back, another call goes to its end; then the first does, in order."""
    other_ended = asyncio.Event()
    held = ""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal held
        words = json.loads(request.body["messages"][1]["content"])["turn"]["said"]
        if "when you are open" not in words:
            held = held or words
            if words == held:
                await other_ended.wait()
        unhappy = 95 if any(word in words for word in ("terrible", "angry", "frustrated")) else 0
        writer.write(http(completion(judged(unhappy, 100 - unhappy, 0, "anger"))))

    async with model(answer) as served:
        chosen = of(
            bus,
            scorer="language_model",
            language_model="m",
            language_model_url=served.url,
            language_model_seconds="30",
        )
        async with analysis(**chosen) as worker:
            await publish(bus, whole_call("turns_angry", "angry"))
            async with asyncio.timeout(60):
                while not held:
                    await asyncio.sleep(0.02)
            await publish(bus, whole_call("calm_with_product_words", "calm"))
            before = await until_ended(bus, "calm")
            assert not any(p.call_id == "angry" and isinstance(p, Transcript) and p.score is not None for p in before)
            other_ended.set()
            done = await until_ended(bus, "angry", "calm")
            assert await worker.metric('callvane_language_model_turns_total{outcome="answered"}') > 5
    angry = [p for p in done if p.call_id == "angry"]
    assert [p.sequence for p in angry if isinstance(p, Transcript)] == list(
        range(len(scenario.load("turns_angry").turns))
    )
    (alert,) = (p for p in angry if isinstance(p, Alert))
    assert "anger" in {term.name for term in alert.terms}


async def test_without_the_model_calls_are_judged_by_the_shipped_scorer(bus: Bus) -> None:
    """A server that answers nothing useful costs no alert; how often it did is counted."""
    async with model(always(http(b"{}"))) as served:
        chosen = of(
            bus, scorer="language_model", language_model="m", language_model_url=served.url, language_model_seconds="20"
        )
        async with analysis(**chosen) as worker:
            await publish(bus, whole_call("turns_angry", "angry"))
            done = await until_ended(bus, "angry")
            instead = [
                await worker.metric(f'callvane_language_model_turns_total{{outcome="{outcome}"}}')
                for outcome in ("invalid", "paused")
            ]
    told = [p for p in done if isinstance(p, Alert) and not p.supersedes]
    assert [str(alert.kind) for alert in told] == list(scenario.load("turns_angry").alerts)
    assert sum(instead) == sum(isinstance(p, Transcript) and p.score is not None for p in done)


@pytest.mark.parametrize(
    ("settings", "judged"),
    [
        ({}, {"en"}),
        ({"language": "es"}, {"en"}),
        ({"language": "auto"}, {"en"}),
        ({"scorer_languages": ["en"]}, {"en"}),
        ({"scorer_languages": ["en", "es"]}, {"en", "es"}),
        ({"scorer_languages": ["es"]}, {"es"}),
        ({"scorer": "classifier", "language": "es"}, {"es"}),
        ({"scorer": "classifier", "language": "auto", "scorer_languages": ["*"]}, {"*"}),
        ({"scorer": "language_model", "scorer_languages": ["en", "es"]}, {"en", "es"}),
    ],
)
def test_the_languages_that_a_scorer_judges(settings: dict[str, Any], judged: set[str]) -> None:
    """The shipped one English, and by lists what is asked for; another one what is configured, or is expected."""
    assert judged_languages(AnalysisSection.model_validate(settings), LEXICONS) == judged


@pytest.mark.parametrize(
    ("settings", "listed"),
    [
        ({}, set()),
        ({"scorer_languages": ["en"]}, set()),
        ({"scorer_languages": ["es"]}, {"es"}),
        ({"scorer_languages": ["en", "es"]}, {"es"}),
        ({"scorer": "classifier", "language": "es"}, set()),
        ({"scorer": "language_model", "scorer_languages": ["*"]}, set()),
    ],
)
def test_the_languages_that_lists_judge(settings: dict[str, Any], listed: set[str]) -> None:
    """Only beside the shipped network, if they are asked for, and never English, which it reads."""
    assert listed_languages(AnalysisSection.model_validate(settings), LEXICONS) == listed


def test_a_file_without_cues_lets_nobody_be_judged() -> None:
    """A language may have phrases for agents' turns alone."""
    found = lexicons({"en": {"mood": {}}, "fr": {"mood": {"light": ["les"]}}, "pt": {"ack": {}}})
    assert judged_languages(AnalysisSection(), found) == {"en"}
    with pytest.raises(ConfigError, match="by lists nothing else"):
        judged_languages(AnalysisSection(scorer_languages=("fr",)), found)


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        ({"scorer_languages": ["en", "fr"]}, "cannot judge fr; it judges English, and by lists es"),
        ({"scorer_languages": ["*"]}, "cannot judge *; it judges English, and by lists es"),
        ({"scorer": "classifier", "language": "auto"}, "say what the scorer judges"),
    ],
)
def test_languages_that_cannot_be_judged(settings: dict[str, Any], cure: str) -> None:
    """A scorer that cannot judge them, or of which nobody has said what it can, is told with its cure."""
    with pytest.raises(ConfigError, match=r"analysis\.scorer_languages") as caught:
        judged_languages(AnalysisSection.model_validate(settings), LEXICONS)
    assert cure in str(caught.value)
