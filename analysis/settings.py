"""The [analysis] section: which Whisper, on which device, which scorer, and the alert thresholds."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, SecretStr, field_validator

from callbus.contact_settings import LEAST_KEY_BYTES, ContactsSettings
from callbus.redis.settings import RedisSettings
from service.settings import ProcessSettings

AUTO = "auto"
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
"""A language as Whisper names it: ISO 639-1, or 639-3 where that has none."""


def _without_marks(name: str) -> str:
    composed = unicodedata.normalize("NFC", name.lower())
    if any(unicodedata.category(letter).startswith("M") for letter in composed):
        raise ValueError("has combining marks: names in such a script cannot be told apart in a text; leave it out")
    return name


ListedName = Annotated[
    str, Field(max_length=60, pattern=r"^[\w'\u2019.&+-]+( [\w'\u2019.&+-]+){0,7}$"), AfterValidator(_without_marks)
]
"""At most eight words."""
ListedNames = Annotated[tuple[ListedName, ...], Field(max_length=100)]
QueueName = Annotated[str, Field(pattern=r"^[\w.+-]{1,64}$")]
CPU_MODEL = "base"
"""A real Whisper that a CPU core reads several calls with."""
GPU_MODEL = "large-v3-turbo"


class AnalysisSection(BaseModel):
    """Every setting of an analysis worker."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: str = Field(AUTO, min_length=1, max_length=1_000)
    """A name that `python -m analysis fetch` lists, the path of a folder, or the URL of a server with OpenAI's
    transcription API, such as `http://127.0.0.1:8000/v1`: docs/models.md. `auto` is `base` on a CPU and
    `large-v3-turbo` on a CUDA GPU."""
    model_stand_in: str = Field(AUTO, max_length=1_000)
    """The Whisper on this machine that reads what a server at the URL in `model` does not: a name or a path, as there.
    Empty: none, and what the server does not read has no words."""
    speech_server_model: str = Field("", max_length=200)
    """Name of the model on a server at the URL in `model`. Empty: none is named, for servers that have only one."""
    speech_server_key: SecretStr = SecretStr("")
    """API key of that server, if it needs one. Prefer the environment or a file."""
    speech_server_key_file: Path | None = None
    """File with that key, for mounted secrets."""
    speech_server_anywhere: bool = False
    """Allow a server with a public address. Callers' voices then leave your network: see docs/privacy.md."""
    speech_server_seconds: float = Field(3.0, gt=0, le=30)
    """How long an utterance waits for the server before the stand-in reads it instead."""
    speech_server_utterances: int = Field(32, ge=1, le=1_000)
    """Most utterances sent to the server at the same time. As many again may wait; the stand-in reads any others."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` uses a CUDA GPU if there is one."""
    compute_type: Literal["auto", "int8", "int8_float16", "int8_bfloat16", "float16", "bfloat16", "float32"] = "auto"
    """Number format of the model. `auto` is float16 on CUDA, int8 on a CPU."""
    cpu_threads: int = Field(0, ge=0, le=256)
    """Threads per transcription on a CPU. 0: one per core that the process may use, by its affinity and its container's
    quota, and at most four."""
    feature_threads: int = Field(0, ge=0, le=64)
    """Threads that turn audio into the model's spectrogram and find speech in it. 0: one per core, at most four."""
    language: str = Field("en", pattern=r"^([a-z]{2,3}|auto)$")
    """Code of the language that callers are expected to speak. Calls that are evidently in another one are read in
    that. `auto` expects none: each call's first seconds of speech decide. docs/models.md."""
    languages: tuple[LanguageCode, ...] = ()
    """Codes of the languages that calls may be in. Empty: all that the model knows. Only that of `language`: none is
    detected."""
    batch_size: int = Field(16, ge=1, le=256)
    """Most utterances, of different calls, transcribed in one batch."""
    queue_utterances: int = Field(512, ge=1, le=100_000)
    """Most utterances that may wait for the model, a bound on memory: each takes about 150 kB. What is left out under
    load is decided by the seconds of work that wait: docs/operations.md."""
    invented_phrases: Path | None = None
    """File of phrases that Whisper invents, one per line; the shipped list explains its marks. Unset: that list."""
    names: ListedNames = ()
    """Surnames, products, places that callers mention and a Whisper does not know, such as `["Sitilli", "Platinum
    Motors"]`. Words that sound nearly like one become it: docs/models.md. Empty: words stay as they are read."""
    names_by_queue: dict[QueueName, ListedNames] = Field({}, max_length=100)
    """Further names for the calls of a queue, by the queue's name: the user part of the address that its PBX forks to,
    such as `billing` in `sip:billing@bridge`."""
    redacted_digits: int = Field(7, ge=0, le=100)
    """Runs of this many digits or more, spoken or written, leave the process as `[digits]`. 0 disables redaction."""
    scorer: Literal["feeling", "classifier", "language_model"] = "feeling"
    """What scores turns: `feeling`, the shipped network, which reads English turns in context; or `classifier` or
    `language_model`, configured below. docs/scorers.md helps to choose."""
    scorer_languages: tuple[LanguageCode | Literal["*"], ...] = ()
    """Codes of the languages that the classifier or language model judges; `*` is all. Empty: that of `language`. The
    shipped scorer judges English, and others only if they are named here, by lists of words: docs/scorers.md says how
    well. Other calls show their words, and raise no alerts."""
    classifier: str = Field("", max_length=1_000)
    """A folder with a text classifier in ONNX, tokenizer.json and config.json, or OWNER/NAME on the model hub."""
    classifier_revision: str = Field("", pattern=r"^[\w./-]{0,100}$")
    """Commit, tag or branch to fetch from the hub. Prefer a commit, which never changes."""
    classifier_file: str = Field("", pattern=r"^([\w./-]{1,100}\.onnx)?$")
    """The model file, if there are several. Empty: the quantised one if there is one."""
    classifier_labels: dict[str, str] = {}
    """What each label of the classifier means: `unhappy`, `neutral`, `pleased`, or one of `frustration`, `anger`,
    `worry`, `dismissed`, `disappointment`, `relief`, `gratitude`. Empty for the well-known label sets."""
    classifier_tokens: int = Field(128, ge=8, le=8_192)
    """Most tokens read of a turn; of a longer turn, the last ones. The model's own limit applies too."""
    classifier_temperature: float = Field(1.0, ge=0.01, le=100)
    """Above 1, it makes an overconfident classifier more cautious."""
    classifier_base_rate: float = Field(0.0, ge=0, lt=1)
    """The probability of unhappy that the classifier gives to calm turns. This much is counted as calm."""
    classifier_threads: int = Field(1, ge=1, le=64)
    """Threads per run of the classifier."""
    language_model_url: str = Field("", max_length=1_000)
    """Base URL of an OpenAI-compatible server, with the version, such as `http://127.0.0.1:8000/v1`."""
    language_model: str = Field("", max_length=200)
    """Name of the model on that server."""
    language_model_key: SecretStr = SecretStr("")
    """API key of the server, if it needs one. Prefer the environment or a file."""
    language_model_key_file: Path | None = None
    """File with that key, for mounted secrets."""
    language_model_anywhere: bool = False
    """Allow a server with a public address. Callers' words then leave your network: see docs/privacy.md."""
    language_model_seconds: float = Field(1.5, gt=0, le=30)
    """How long a turn waits for the language model before the shipped scorer answers instead."""
    language_model_turns: int = Field(32, ge=1, le=1_000)
    """Most turns sent to the server at the same time."""
    language_model_fields: dict[str, JsonValue] = {}
    """Additional fields of each request, such as those that turn off a model's thinking."""
    raised_voice: bool = False
    """Let a customer's raised voice add a little to what their words say. Agents' voices are never measured."""
    practice: bool = True
    """Look for how the agent meets each call, in words and times: docs/practice.md. Off: call states say nothing of it,
    and there are no debriefs."""
    practice_repeated: bool = True
    """Look for what agents say word for word on other calls too. Each worker keeps hashes of four words in a row, never
    words, in its memory alone: docs/practice.md."""
    language_files: Path | None = None
    """Folder of what is looked for in words, one file a language, such as `en.toml`: docs/languages.md. Unset: the
    shipped ones, English and Spanish. A call in a language without a file, or that is not judged, tells nothing of how
    the agent meets it."""
    mark_false_alarms_per_call_hour: float = Field(2.0, gt=0, le=100)
    """Marks per hour of calm calls that you accept. `python -m analysis budget` finds `mark_threshold` for it."""
    interruption_false_alarms_per_call_hour: float = Field(0.5, gt=0, le=100)
    """The same for interruptions and `interruption_threshold`."""
    mark_threshold: float | None = Field(None, gt=0, le=6)
    """How far a customer's level must fall below their own baseline for a mark, in log-odds. Unset: the shipped
    scorer's."""
    interruption_threshold: float | None = Field(None, gt=0, le=6)
    """The same for an interruption; never less than for a mark. Unset: the shipped scorer's value."""
    refractory_seconds: float = Field(60, ge=0, le=3_600)
    """After a worsened alert, no other in the same call for this long, except a mark that becomes an interruption."""


class LoadSection(BaseModel):
    """When an agent's load is told. Off without a key: docs/practice.md has the law's reason."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    key: SecretStr = SecretStr("")
    """Secret of at least 16 bytes, such as from `openssl rand -hex 32`, the same at all workers. An agent is known only
    by a hash under it, for 12 hours. Empty, and no `key_file`: off. Prefer the environment or the file."""
    key_file: Path | None = None
    """File with that secret, for mounted secrets."""
    hard_calls_in_a_row: int = Field(3, ge=1, le=100)
    """From this many hard calls in a row on, a debrief is suggested. docs/practice.md says what a hard call is."""
    minutes_without_pause: float = Field(120, gt=0, le=720)
    """From this time without a pause on, a pause is suggested."""
    pause_minutes: float = Field(10, gt=0, le=240)
    """A time without a call that is a pause."""

    @field_validator("key")
    @classmethod
    def _is_long(cls, key: SecretStr) -> SecretStr:
        value = key.get_secret_value()
        if value and len(value.encode()) < LEAST_KEY_BYTES:
            raise ValueError(f"has fewer than {LEAST_KEY_BYTES} bytes; use the output of `openssl rand -hex 32`")
        return key


class AnalysisSettings(ProcessSettings):
    """Every section that an analysis worker reads."""

    redis: RedisSettings = RedisSettings()
    contacts: ContactsSettings = ContactsSettings()
    load: LoadSection = LoadSection()
    analysis: AnalysisSection = AnalysisSection()
