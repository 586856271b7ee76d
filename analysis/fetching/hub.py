"""The model hub: files of one commit, streamed, and continued where a connection broke."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, get_session, get_token, hf_hub_url
from huggingface_hub.errors import OfflineModeIsEnabled

from analysis.fetching.catalogue import Model, ModelFile
from analysis.fetching.errors import SourceError
from analysis.fetching.progress import Progress
from analysis.fetching.receiving import Receiver

WANTED_FILES = (
    "config.json",
    "model.bin",
    "preprocessor_config.json",
    "tokenizer.json",
    "vocabulary.json",
    "vocabulary.txt",
)
"""What a CTranslate2 Whisper consists of. Nothing else of a repository is fetched."""
TRIES = 4
"""Connections a file may take."""
CONNECT_SECONDS = 10.0
SILENT_SECONDS = 30.0
SLOW_SECONDS = 60.0
SLOW_BYTES = 256 * 1024
"""A connection that brings less than this in `SLOW_SECONDS` is given up."""
_COMMIT = re.compile(r"[0-9a-f]{40}")
_RANGE = re.compile(r"bytes (\d+)-")


class Hub:
    """Where models are published. Proxies, HF_ENDPOINT and HF_TOKEN apply as everywhere; nothing is asked offline."""

    name = "the hub"

    def __init__(self, endpoint: str | None = None, slow_seconds: float = SLOW_SECONDS, pause: float = 1.0) -> None:
        """`endpoint` instead of the hub's own address; `pause` seconds before the first repeated try."""
        self._endpoint, self._slow_seconds, self._pause = endpoint, slow_seconds, pause

    def has(self, model: Model) -> bool:
        """Every model is published there."""
        return bool(model.hub)

    def room(self, model: Model) -> int:
        """Bytes of disk that a fetch takes."""
        return model.bytes

    def bring(self, model: Model, folder: Path, progress: Progress) -> None:
        """Every file into the folder, checked. Raises SourceError; OSError where the disk does not take it."""
        progress.begin(f"{model.name} from the hub", model.bytes)
        for file in model.files:
            self._file(model, file, folder, progress)
        progress.end()

    def unlisted(self, repository: str) -> Model:
        """What OWNER/NAME holds now, pinned to its commit, with the digests that the hub itself states. SourceError."""
        try:
            info = HfApi(self._endpoint).model_info(repository, files_metadata=True, timeout=SILENT_SECONDS)
            files = tuple(
                ModelFile(one.rfilename, int(one.size or 0), one.lfs.sha256 if one.lfs else "")
                for one in info.siblings or ()
                if one.rfilename in WANTED_FILES
            )
        except Exception as error:  # the hub's client raises what its many layers raise
            raise SourceError(f"the hub does not know {repository!r:.100}: {_cause(error)}") from None
        if not _COMMIT.fullmatch(str(info.sha)):
            raise SourceError(f"the hub does not say at which commit {repository!r:.100} is")
        if not {"config.json", "model.bin", "tokenizer.json"} <= {file.name for file in files}:
            raise SourceError(
                f"{repository!r:.100} holds no CTranslate2 Whisper with its tokenizer; "
                "convert the model with ct2-transformers-converter --copy_files tokenizer.json preprocessor_config.json"
            )
        return Model(repository.replace("/", "--"), repository, str(info.sha), "", "", files)

    def _file(self, model: Model, file: ModelFile, folder: Path, progress: Progress) -> None:
        url = hf_hub_url(model.hub, file.name, revision=model.revision, endpoint=self._endpoint)
        receiver = Receiver(folder, file)
        try:
            for left in range(TRIES - 1, -1, -1):
                try:
                    self._receive(url, receiver, progress)
                except (httpx2.HTTPError, httpx2.InvalidURL, OfflineModeIsEnabled) as error:
                    if receiver.received < file.bytes and not (left and _may_pass(error, receiver)):
                        raise SourceError(f"{file.name}: {_cause(error)}") from None
                    time.sleep(self._pause * (TRIES - left))
                if receiver.received == file.bytes:
                    break
            receiver.finish()
        finally:
            receiver.close()

    def _receive(self, url: str, receiver: Receiver, progress: Progress) -> None:
        headers = {"accept-encoding": "identity"}
        if token := get_token():
            headers["authorization"] = f"Bearer {token}"
        if receiver.received:
            headers["range"] = f"bytes={receiver.received}-"
        timeout = httpx2.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS)
        with get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
            if response.status_code >= 500 or response.status_code == 429:
                raise httpx2.RemoteProtocolError(f"the hub answered {response.status_code}")
            if response.status_code not in (200, 206):
                raise SourceError(f"{receiver.file.name}: the hub answered {response.status_code}")
            begins = _RANGE.match(response.headers.get("content-range", ""))
            if response.status_code == 200 or not begins or int(begins[1]) != receiver.received:
                progress.add(-receiver.received)
                receiver.restart()
                if response.status_code == 206:
                    raise httpx2.RemoteProtocolError("the hub continues elsewhere than it was asked to")
            self._stream(response, receiver, progress)

    def _stream(self, response: httpx2.Response, receiver: Receiver, progress: Progress) -> None:
        since, then = time.monotonic(), receiver.received
        for chunk in response.iter_raw():
            receiver.write(chunk)
            progress.add(len(chunk))
            now = time.monotonic()
            if now - since >= self._slow_seconds:
                if receiver.received - then < SLOW_BYTES:
                    raise SourceError(f"{receiver.file.name}: the hub is too slow")
                since, then = now, receiver.received


def _may_pass(error: Exception, receiver: Receiver) -> bool:
    """Whether another try is worth its while. Where nobody answers, there is no hub, and another source is better."""
    nobody = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout) and not receiver.received
    return isinstance(error, httpx2.TransportError) and not nobody


def _cause(error: Exception) -> str:
    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    text = str(error).strip()
    return f"{text.splitlines()[0]:.160}" if text else type(error).__name__
