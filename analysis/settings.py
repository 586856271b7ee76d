"""The [analysis] section: which Whisper, on what, and how far a customer must turn."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from callbus.settings import RedisSettings
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
    scorer: Literal["feeling", "lexicon"] = "feeling"
    """Who judges turns: `feeling`, the shipped network that reads English turns in their context, or a word list."""
    shift_threshold: float | None = Field(None, gt=0, le=6)
    """How far a customer's level must leave their own baseline for an alert, in log-odds; none is the scorer's own."""
    refractory_seconds: float = Field(60, ge=0, le=3_600)
    """After a worsened alert, none like it in the same call for so long."""


class AnalysisSettings(ProcessSettings):
    """Every section that an analysis worker reads."""

    redis: RedisSettings = RedisSettings()
    analysis: AnalysisSection = AnalysisSection()
