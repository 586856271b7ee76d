"""What `analysis.model` names: a Whisper on this machine, or a server at a URL with a Whisper as its stand-in."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np

from analysis.servers.model_server import ModelServer, Settings
from analysis.settings import AUTO, AnalysisSection
from analysis.words.features import MODEL_RATE_HZ, SHORTEST_SECONDS, Spectrogram, samples_of
from analysis.words.speech import Speech, speech_in
from analysis.words.speech_server import SpeechServer
from analysis.words.transcriber import KNOWN_ANSWER, Transcriber
from analysis.words.transcription import ANSWER_BYTES
from service.secret import secret
from service.settings import ConfigError

SETTINGS = Settings("model", "speech_server")
PATH = "/audio/transcriptions"
PATHS = (PATH, "/inference")
"""How a URL ends that is the whole one; whisper.cpp has the second, unless it is told otherwise."""
_NOTHING = np.zeros((0, 0), np.float32)


class Listener:
    """Hears whether somebody speaks, where no Whisper is on this machine. Any thread."""

    def hear(self, pcm: bytes, rate_hz: int, before: bytes = b"") -> tuple[Spectrogram | None, Speech]:
        """An empty spectrogram, None if the utterance is too short to hold a word; and how much of it is speech."""
        samples = samples_of(pcm, rate_hz)
        return (_NOTHING if samples.size >= SHORTEST_SECONDS * MODEL_RATE_HZ else None), speech_in(samples)


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads utterances: at least one of the two."""

    server: SpeechServer | None
    """Reads first."""
    whisper: Transcriber | None


def chosen_readers(section: AnalysisSection) -> Readers:
    """Load the Whisper, which may take minutes; of a server, only the settings are checked. Raises ConfigError."""
    if "://" not in section.model:
        return Readers(None, Transcriber(section))
    server = speech_server(section)
    return Readers(server, _stand_in(section) if section.model_stand_in else None)


def endpoint(url: str) -> str:
    """Where utterances are posted: the URL itself if it ends in the API's path, else that path below it."""
    url = url.rstrip("/")
    if url.endswith(PATHS):
        return url
    try:
        bare = not urlsplit(url).path
    except ValueError:
        return url
    return f"{url}/v1{PATH}" if bare else f"{url}{PATH}"


def speech_server(section: AnalysisSection) -> SpeechServer:
    """The server at the URL in `analysis.model`. Raises ConfigError."""
    if section.language == AUTO:
        raise ConfigError("analysis.language: auto needs a Whisper on this machine; name the language of the calls")
    try:
        known = KNOWN_ANSWER.read_bytes()
    except OSError as error:
        raise ConfigError(f"{KNOWN_ANSWER}: {error}; reinstall Callvane") from None
    server = ModelServer(
        endpoint(section.model),
        "",
        secret(section.speech_server_key, section.speech_server_key_file, "analysis.speech_server_key"),
        SETTINGS,
        anywhere=section.speech_server_anywhere,
        connections=section.speech_server_utterances,
        answer_bytes=ANSWER_BYTES,
    )
    return SpeechServer(
        server,
        section.speech_server_model,
        section.language,
        known,
        seconds=section.speech_server_seconds,
        together=section.speech_server_utterances,
        alone=not section.model_stand_in,
    )


def _stand_in(section: AnalysisSection) -> Transcriber:
    if "://" in section.model_stand_in:
        raise ConfigError("analysis.model_stand_in: a URL; name a Whisper on this machine, or leave it empty")
    try:
        return Transcriber(section.model_copy(update={"model": section.model_stand_in}))
    except ConfigError as error:
        raise ConfigError(str(error).replace("analysis.model:", "analysis.model_stand_in:", 1)) from None
