"""A recognizer behind a URL: any server with OpenAI's transcription API.

Many utterances are sent at once, each with a deadline. What the server does not read in time, its caller reads
otherwise. A server that keeps failing is no longer asked, so it delays no utterance; a known sentence checks when it is
back.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

from analysis.servers.model_server import ModelServer
from analysis.words.passage import Words
from analysis.words.transcription import PLAIN, VERBOSE, TranscriptionError, form, wav, words_of
from service.breaker import LONGEST_PAUSE_SECONDS, Breaker
from service.faults import survived
from service.remote_server import Failure, ServerError

log = logging.getLogger(__name__)

ANSWERED, LATE, OVERLOADED, FULL, PAUSED = "answered", "late", "overloaded", "full", "paused"
OUTCOMES = (ANSWERED, LATE, *Failure, OVERLOADED, FULL, PAUSED)
UTTERANCES = Counter(
    "callvane_speech_server_utterances_total",
    "Utterances for the speech server: answered, or not read by it: late, invalid, refused, unreachable, overloaded "
    "(it said so), full (too many wait for it), paused (not asked, after failures).",
    ["outcome"],
)
ANSWER_SECONDS = Histogram(
    "callvane_speech_server_seconds",
    "Time for the speech server to answer for an utterance, including the wait for a free place.",
    buckets=(0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30),
)
STOOD_IN = Counter(
    "callvane_stand_in_utterances_total",
    "Utterances that the Whisper of this worker read in the speech server's place.",
)
IS_PAUSED = Gauge("callvane_speech_server_paused", "1 while the speech server is not asked, after failures.")
for _outcome in OUTCOMES:
    UTTERANCES.labels(_outcome)

WAITING_FACTOR = 2
"""Times `together`: utterances at the server or waiting for a place; what comes beyond is not sent."""
PATIENCE_SECONDS = 30.0
"""For the first answer: many servers load their model for it."""
OVERLOAD_STATUS = (429, 503)
FORMAT_STATUS = (400, 422)
"""What servers say to a response_format that they do not have."""
CURES: Mapping[int | str, str] = {  # by HTTP status, else by outcome
    401: "check analysis.speech_server_key",
    403: "check analysis.speech_server_key",
    404: "check the URL in analysis.model, and analysis.speech_server_model",
    **dict.fromkeys((301, 302, 303, 307, 308), "redirects are not followed: check the URL in analysis.model"),
    Failure.REFUSED: "its name leads to an address that is not allowed: see analysis.speech_server_anywhere",
    Failure.INVALID: "check that analysis.model is a server with OpenAI's transcription API",
    Failure.UNREACHABLE: "check that it runs, and the URL in analysis.model",
    LATE: "use a faster server or model, or raise analysis.speech_server_seconds",
}


@dataclass(frozen=True, slots=True)
class Unread:
    """Why the server did not read an utterance."""

    outcome: str
    status: int = 0
    """HTTP's, if one refused."""
    retry_seconds: int = 0
    """How long it asks not to be asked."""

    def __str__(self) -> str:
        return f"{self.outcome}, HTTP status {self.status}" if self.status else self.outcome


class SpeechServer:
    """Belongs to one event loop.

    At most `together` utterances are at the server at once; another one waits for a place, within its deadline.
    """

    def __init__(
        self,
        server: ModelServer,
        model: str,
        language: str,
        known: bytes,
        *,
        seconds: float,
        together: int,
        alone: bool = False,
    ) -> None:
        """`known`: a WAV file with a sentence, for probes. `alone`: nobody reads what the server does not."""
        self._server = server
        self._model = model
        self._language = language
        self._known = known
        self._seconds = seconds
        self._most = WAITING_FACTOR * together
        self._alone = alone
        self._asked = 0
        self._places = asyncio.Semaphore(together)
        self._breaker = Breaker()
        self._is_verbose = True
        """Whether to ask for the figures of each segment."""
        self._trying: asyncio.Task[None] | None = None
        self._told = ""
        """What was last logged of the server's failing; empty while it answers."""
        IS_PAUSED.set(0)

    async def read(self, pcm: bytes, rate_hz: int, prompt: str = "") -> Words | str:
        """The words of an utterance, or the outcome that left it unread. Raises only when cancelled.

        `pcm` is mono, 16-bit little-endian. `prompt`: text that the server's model takes for what was said before.
        """
        if not self._breaker.closed:
            read: Words | Unread = Unread(PAUSED)
        elif self._asked >= self._most:
            read = Unread(FULL)
        else:
            began = time.monotonic()
            self._asked += 1
            try:
                read = await self._read(wav(pcm, rate_hz), prompt, self._seconds)
            finally:
                self._asked -= 1
            self._note(read, time.monotonic() - began)
        outcome = read.outcome if isinstance(read, Unread) else ANSWERED
        UTTERANCES.labels(outcome).inc()
        return outcome if isinstance(read, Unread) else read

    @property
    def unready(self) -> str:
        """Why utterances have no words; empty while the server is asked, or somebody else reads."""
        if self._breaker.closed or not self._alone:
            return ""
        return f"the speech server does not read ({self._told}), and analysis.model_stand_in is empty"

    def begin(self) -> None:
        """Ask for the known sentence, in the background; utterances are sent meanwhile."""
        self._trying = asyncio.create_task(self._try(0.0, max(PATIENCE_SECONDS, self._seconds)))

    async def close(self) -> None:
        """Give up what is under way, and close the connections."""
        if self._trying:
            self._trying.cancel()
            await asyncio.wait([self._trying])
        await self._server.close()

    async def _read(self, audio: bytes, prompt: str, seconds: float) -> Words | Unread:
        try:
            async with asyncio.timeout(seconds), self._places:
                return words_of(await self._answer(audio, prompt))
        except TimeoutError:
            return Unread(LATE)
        except TranscriptionError as error:
            log.debug("speech server: unusable answer: %s", error)
            return Unread(Failure.INVALID)
        except ServerError as error:
            log.debug("speech server: %s", error)
            outcome = OVERLOADED if error.status in OVERLOAD_STATUS else error.failure
            return Unread(outcome, error.status, error.retry_seconds)
        except Exception:  # whatever an answer does to a parser, the calls go on
            survived("speech server", log)
            return Unread(Failure.INVALID)

    async def _answer(self, audio: bytes, prompt: str) -> bytes:
        """With the figures of each segment, if the server gives them."""
        if self._is_verbose:
            try:
                return await self._ask(audio, prompt, VERBOSE)
            except ServerError as error:
                if error.status not in FORMAT_STATUS:
                    raise
        answer = await self._ask(audio, prompt, PLAIN)
        if self._is_verbose:
            log.info("speech server: no %s, so %s is asked for; its certainty is unknown", VERBOSE, PLAIN)
        self._is_verbose = False
        return answer

    async def _ask(self, audio: bytes, prompt: str, response_format: str) -> bytes:
        fields = {
            "model": self._model,
            "language": self._language,
            "temperature": "0",
            "prompt": prompt,
            "response_format": response_format,
        }
        sent = form(audio, fields.items(), secrets.token_hex(16))
        return await self._server.ask(sent.body, sent.kind)

    def _note(self, read: Words | Unread, took: float) -> None:
        """Of an utterance that was sent. Once the breaker is open, only a probe closes it."""
        if isinstance(read, Words):
            ANSWER_SECONDS.observe(took)
            if self._breaker.closed:
                self._breaker.succeeded()
            return
        now = time.monotonic()
        pause = self._breaker.rest(now, read.retry_seconds) if read.retry_seconds else self._breaker.failed(now)
        if pause is None:
            return
        IS_PAUSED.set(1)
        self._tell(read)
        if not self._trying or self._trying.done():
            self._trying = asyncio.create_task(self._try(pause, self._seconds))

    async def _try(self, pause: float, seconds: float) -> None:
        """Ask for the known sentence after `pause`, and again until there is an answer within `seconds`."""
        while True:
            await asyncio.sleep(pause)
            self._is_verbose = True
            began = time.monotonic()
            read = await self._read(self._known, "", seconds)
            if isinstance(read, Words) and not read.text:
                read = Unread(Failure.INVALID)
            if isinstance(read, Words):
                break
            pause, seconds = self._breaker.probe_failed(time.monotonic()), self._seconds
            pause = max(pause, min(read.retry_seconds, LONGEST_PAUSE_SECONDS))
            IS_PAUSED.set(1)
            self._tell(read)
        self._breaker.succeeded()
        IS_PAUSED.set(0)
        self._told = ""
        log.info("speech server: answered in %.2f s", time.monotonic() - began)

    def _tell(self, unread: Unread) -> None:
        """Log why the server is not asked, once until the reason changes."""
        if (told := str(unread)) == self._told:
            return
        self._told = told
        cure = CURES.get(unread.status or unread.outcome, "see the server's log")
        others = "utterances have no words" if self._alone else "the stand-in reads"
        log.warning("speech server: %s; %s until it answers; %s", told, others, cure)
