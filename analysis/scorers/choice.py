"""The configured scorer, and the detector's rules for it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from analysis.scorers.classifier import Calibration, ClassifierScorer
from analysis.scorers.classifier_files import classifier_files
from analysis.scorers.language_model import LanguageModel
from analysis.scorers.question import OWN_FIELDS
from analysis.scorers.scoring import READER, Readings, Scoring, Threaded, one_by_one
from analysis.scorers.shipped import FEELING_RULES, FeelingScorer
from analysis.servers.model_server import ModelServer, Settings
from analysis.settings import AUTO, AnalysisSection
from analysis.shift.detector import ShiftRules
from service.cores import cores
from service.secret import secret
from service.settings import ConfigError

SETTINGS = Settings("language_model_url", "language_model")
MOST_THREADS = 4
"""For the shipped scorer: a thread scores about 100 turns a second, those of 1,000 calls."""
ANSWER_BYTES = 64 * 1024
"""A judgement takes some hundred bytes."""


def chosen_scoring(section: AnalysisSection) -> Scoring:
    """Load the scorer, which may take minutes. Raises ConfigError."""
    match section.scorer:
        case "classifier":
            return Threaded(_classifier(section).scores)
        case "language_model":
            return _language_model(section)
        case _:
            return _shipped()


def judged_languages(section: AnalysisSection) -> frozenset[str]:
    """Codes of the languages that the scorer judges; `*` is all. Raises ConfigError."""
    if section.scorer == "feeling":
        if section.scorer_languages:
            raise ConfigError("analysis.scorer_languages: the shipped scorer judges English only; remove it")
        return frozenset({"en"})
    if not section.scorer_languages and section.language == AUTO:
        raise ConfigError(
            'analysis.scorer_languages: language = "auto" needs it; say what the scorer judges: ["en", "es"], or ["*"]'
        )
    return frozenset(section.scorer_languages or {section.language})


def chosen_rules(section: AnalysisSection) -> ShiftRules:
    """The detector's rules for its scores."""
    return replace(
        FEELING_RULES,
        threshold=section.mark_threshold or FEELING_RULES.threshold,
        interruption=section.interruption_threshold or FEELING_RULES.interruption,
        refractory_seconds=section.refractory_seconds,
    )


def shipped_readings() -> Readings:
    """What reads agents' turns, whatever scores customers': the shipped network. English only."""
    network = _network()
    return Readings(
        lambda asked: [network.read(turn, history) for turn, history in asked],
        together=1,
        threads=min(MOST_THREADS, cores()),
        kind=READER,
    )


def _shipped() -> Threaded:
    # The other turns of a run change an int8 network's output, and make it no faster; threads do both as they should.
    return Threaded(one_by_one(_network()), together=1, threads=min(MOST_THREADS, cores()))


@cache
def _network() -> FeelingScorer:
    return FeelingScorer()


def _classifier(section: AnalysisSection) -> ClassifierScorer:
    if not section.classifier:
        raise ConfigError('analysis.classifier: scorer = "classifier" needs a folder or OWNER/NAME on the hub')
    return ClassifierScorer(
        classifier_files(section.classifier, section.classifier_revision, section.classifier_file),
        labels=section.classifier_labels,
        calibration=Calibration(
            section.classifier_tokens, section.classifier_temperature, section.classifier_base_rate
        ),
        threads=section.classifier_threads,
    )


def _language_model(section: AnalysisSection) -> LanguageModel:
    for name in ("language_model_url", "language_model"):
        if not getattr(section, name):
            raise ConfigError(f'analysis.{name}: needed for scorer = "language_model"')
    if taken := sorted(OWN_FIELDS & section.language_model_fields.keys()):
        raise ConfigError(f"analysis.language_model_fields: {', '.join(taken)} cannot be set here; remove it")
    server = ModelServer(
        section.language_model_url,
        "/chat/completions",
        secret(section.language_model_key, section.language_model_key_file, "analysis.language_model_key"),
        SETTINGS,
        anywhere=section.language_model_anywhere,
        connections=section.language_model_turns,
        answer_bytes=ANSWER_BYTES,
    )
    return LanguageModel(
        server,
        section.language_model,
        _shipped(),
        seconds=section.language_model_seconds,
        together=section.language_model_turns,
        further=section.language_model_fields,
    )
