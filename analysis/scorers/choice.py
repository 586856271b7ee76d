"""The configured scorer, and the detector's rules for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from analysis.scorers.chat_server import ChatServer
from analysis.scorers.classifier import Calibration, ClassifierScorer
from analysis.scorers.classifier_files import classifier_files
from analysis.scorers.language_model import LanguageModel
from analysis.scorers.question import OWN_FIELDS
from analysis.scorers.scoring import Scoring, Threaded, one_by_one
from analysis.scorers.shipped import FEELING_RULES, FeelingScorer
from analysis.settings import AUTO, AnalysisSection
from analysis.shift.detector import ShiftRules
from service.settings import ConfigError

KEY_BYTES = 4_096


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


def _shipped() -> Threaded:
    # The other turns of a run change an int8 network's output slightly, so turns are read one by one.
    return Threaded(one_by_one(FeelingScorer()))


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
    server = ChatServer(
        section.language_model_url,
        _key(section),
        anywhere=section.language_model_anywhere,
        connections=section.language_model_turns,
    )
    return LanguageModel(
        server,
        section.language_model,
        _shipped(),
        seconds=section.language_model_seconds,
        together=section.language_model_turns,
        further=section.language_model_fields,
    )


def _key(section: AnalysisSection) -> str:
    key, path = section.language_model_key.get_secret_value(), section.language_model_key_file
    if path is None:
        return key
    if key:
        raise ConfigError("analysis.language_model_key_file: language_model_key is also set; keep only one")
    return _read(path)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(KEY_BYTES + 1)
        key = content.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(f"analysis.language_model_key_file: {path}: {cause}; give a readable file") from None
    if not key or len(content) > KEY_BYTES:
        raise ConfigError(f"analysis.language_model_key_file: {path} contains no key")
    return key
