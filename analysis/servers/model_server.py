"""One OpenAI-compatible server: its URL and key as the settings give them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from service.remote_server import RemoteServer, far_address, host_of, is_header_value
from service.settings import ConfigError


@dataclass(frozen=True, slots=True)
class Settings:
    """The names of the settings in [analysis] that a fault of the server's URL or key is told by."""

    url: str
    prefix: str
    """What the names of the others begin with: `PREFIX_key`, `PREFIX_key_file`, `PREFIX_anywhere`."""


class ModelServer:
    """Belongs to one event loop. Sets no time limit: the caller cancels."""

    def __init__(
        self, url: str, path: str, key: str, settings: Settings, *, anywhere: bool, connections: int, answer_bytes: int
    ) -> None:
        """What is asked goes to `path` below `url`; `key` is empty if none is needed. Raises ConfigError.

        `anywhere`: the server may have a public address, so callers' words may leave the premises. A longer answer than
        `answer_bytes` is rejected.
        """
        host = _host(url, settings)
        if not is_header_value(key) or " " in key:
            raise ConfigError(
                f"analysis.{settings.prefix}_key: contains characters not allowed in an HTTP header; check it"
            )
        if not anywhere and (far := far_address(host)):
            raise ConfigError(
                f"analysis.{settings.url}: {host} is {far}, not a loopback or private address: callers' words would "
                f"leave your network; to allow that, set analysis.{settings.prefix}_anywhere = true"
            )
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._url = f"{url.rstrip('/')}{path}"
        self._server = RemoteServer(headers, anywhere=anywhere, connections=connections, answer_bytes=answer_bytes)

    async def ask(self, question: bytes, kind: str = "application/json") -> bytes:
        """POST a question of this content type; returns the answer's body. Raises ServerError."""
        return await self._server.post(self._url, question, kind)

    async def close(self) -> None:
        """Close the connections."""
        await self._server.close()


def _host(url: str, settings: Settings) -> str:
    """The host of a server's URL. Raises ConfigError, which repeats nothing that could be a secret."""
    host = host_of(url)
    if not host:
        raise ConfigError(f"analysis.{settings.url}: not a URL such as http://127.0.0.1:8000/v1")
    parts = urlsplit(url)
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(
            f"analysis.{settings.url}: contains a user, a query or a fragment; put the key in {settings.prefix}_key"
        )
    return host
