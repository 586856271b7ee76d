"""The [analysis] section: which Whisper, on what, who judges turns, and how far a customer must turn."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr

from callbus.redis.settings import RedisSettings
from service.settings import ProcessSettings

SHIPPED_MODEL = "telephone"
"""The small Whisper that is part of Callvane: synthetic voices and a small vocabulary only."""


class AnalysisSection(BaseModel):
    """What can be set of an analysis worker."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(SHIPPED_MODEL, min_length=1)
    """`telephone` is the shipped one, for trying Callvane out. Else a hub name (`large-v3-turbo`) or a local folder."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a CUDA GPU where there is one."""
    compute_type: Literal["auto", "int8", "int8_float16", "int8_bfloat16", "float16", "bfloat16", "float32"] = "auto"
    """Arithmetic of the model; `auto` is float16 on CUDA, int8 on a CPU."""
    cpu_threads: int = Field(0, ge=0, le=256)
    """Threads of one transcription on a CPU; 0 is one for the shipped model, else as many as cores, four at most."""
    feature_threads: int = Field(2, ge=1, le=64)
    """Threads that turn audio into the model's spectrogram."""
    language: str = Field("en", pattern=r"^[a-z]{2,3}$")
    """What the callers speak, as a language code; models that know English alone ignore it."""
    batch_size: int = Field(16, ge=1, le=256)
    """Utterances of different calls that are transcribed together at most."""
    queue_utterances: int = Field(256, ge=1, le=100_000)
    """Utterances that may wait for the model; past it agents' are dropped first, then the oldest, and counted."""
    invented_phrases: Path | None = None
    """File of phrases that Whisper invents on silence, one a line; none is the list that comes with Callvane."""
    redacted_digits: int = Field(7, ge=0, le=100)
    """A run of this many spoken or written digits leaves the process as `[digits]`; 0 keeps all digits."""
    scorer: Literal["feeling", "classifier", "language_model"] = "feeling"
    """Who judges turns: `feeling`, the shipped network that reads English turns in their context;
    `classifier` or `language_model`, another model as set below. docs/scorers.md helps to choose."""
    classifier: str = Field("", max_length=1_000)
    """A folder with a text classifier in ONNX, tokenizer.json and config.json, or OWNER/NAME on the model hub."""
    classifier_revision: str = Field("", pattern=r"^[\w./-]{0,100}$")
    """The commit, tag or branch that is fetched from the hub. Give a commit: what it names never changes."""
    classifier_file: str = Field("", pattern=r"^([\w./-]{1,100}\.onnx)?$")
    """The model's file where there are several; empty takes a quantised one if there is one."""
    classifier_labels: dict[str, str] = {}
    """What each label of the classifier means: `unhappy`, `neutral`, `pleased`, or one of `frustration`, `anger`,
    `worry`, `dismissed`, `disappointment`, `relief`, `gratitude`. Empty for the well-known sets of labels."""
    classifier_tokens: int = Field(128, ge=8, le=8_192)
    """Of a turn that has more, its end is read; a model's own bound holds, too."""
    classifier_temperature: float = Field(1.0, ge=0.01, le=100)
    """Above 1 it makes an overconfident classifier more careful."""
    classifier_base_rate: float = Field(0.0, ge=0, lt=1)
    """The share of unhappy that the classifier sees in calm talk too: so much of it is taken for calm."""
    classifier_threads: int = Field(1, ge=1, le=64)
    """Threads of one run of the classifier."""
    language_model_url: str = Field("", max_length=1_000)
    """An OpenAI-compatible server's address down to its version, such as `http://127.0.0.1:8000/v1`."""
    language_model: str = Field("", max_length=200)
    """The name of the model as that server knows it."""
    language_model_key: SecretStr = SecretStr("")
    """The server's API key, where it asks for one; better given by the environment or a file than here."""
    language_model_key_file: Path | None = None
    """A file with that key, for secrets that are mounted."""
    language_model_anywhere: bool = False
    """Whether the server may have a public address. What callers say then leaves your network: see docs/privacy.md."""
    language_model_seconds: float = Field(1.5, gt=0, le=30)
    """How long a turn waits for the language model before the shipped scorer answers instead."""
    language_model_turns: int = Field(32, ge=1, le=1_000)
    """Turns that the server is asked about at once."""
    language_model_fields: dict[str, JsonValue] = {}
    """Further fields of each request, such as those that keep a model from thinking at length before it answers."""
    raised_voice: bool = False
    """Whether a customer's raised voice adds a little to what their words say. Agents' voices are never measured."""
    mark_false_alarms_per_call_hour: float = Field(2.0, gt=0, le=100)
    """Marks on calm calls that you can live with: what `python -m analysis budget` finds `mark_threshold` for."""
    interruption_false_alarms_per_call_hour: float = Field(0.5, gt=0, le=100)
    """The same for interruptions and `interruption_threshold`."""
    mark_threshold: float | None = Field(None, gt=0, le=6)
    """How far a customer's level must fall below their own baseline for a mark, in log-odds; none: the scorer's own."""
    interruption_threshold: float | None = Field(None, gt=0, le=6)
    """How far for an interruption; never less than for a mark."""
    refractory_seconds: float = Field(60, ge=0, le=3_600)
    """After a worsened alert, none like it in the same call for so long."""


class AnalysisSettings(ProcessSettings):
    """Every section that an analysis worker reads."""

    redis: RedisSettings = RedisSettings()
    analysis: AnalysisSection = AnalysisSection()
