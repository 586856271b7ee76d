"""The [written] section: where messages are taken, from whom, and how many."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from callbus import Channel
from callbus.messages.call import MOST_IDLE_SECONDS
from callbus.redis.settings import RedisSettings
from service.settings import ConfigError, ProcessSettings

LEAST_TOKEN = 16
MOST_TOKENS = 64
FILE_BYTES = 65_536
MOST_IDLE_MINUTES = MOST_IDLE_SECONDS / 60


class WrittenSettings(BaseModel):
    """How messages are taken."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    host: str = "127.0.0.1"
    """Address to listen on. Put TLS in front on a network: messages are people's words."""
    port: int = Field(8090, ge=0, le=65535)
    """0 picks a free port; the log names it."""
    tokens: tuple[SecretStr, ...] = Field((), max_length=MOST_TOKENS)
    """Bearer tokens, one of which each request must bring; at least one, of 16 or more characters each. Several allow
    one for each client, and a new one beside the old one. Prefer the environment or a file."""
    tokens_file: Path | None = None
    """File with the tokens, one a line, for mounted secrets. Read at the start."""
    requests_per_second: float = Field(100.0, gt=0, le=100_000)
    """Requests that a token may send, with a burst of the same size. Above this, the answer is 429."""
    max_requests: int = Field(64, ge=1, le=10_000)
    """Requests worked on at once. Above this, the answer is 503; each may hold 256 KiB."""
    idle_minutes: float = Field(30.0, ge=1, le=MOST_IDLE_MINUTES)
    """A chat in which nobody writes for so long has ended (`idle`)."""
    email_idle_minutes: float = Field(4_320.0, ge=1, le=MOST_IDLE_MINUTES)
    """The same for a conversation by e-mail. Its state is kept in Redis for so long."""

    @property
    def idle_seconds(self) -> dict[Channel, float]:
        """By channel, when a conversation ends in which nobody writes."""
        return {Channel.CHAT: 60 * self.idle_minutes, Channel.EMAIL: 60 * self.email_idle_minutes}

    def accepted(self) -> tuple[bytes, ...]:
        """The tokens. Raises ConfigError, which never quotes one."""
        where, found = "written.tokens", [token.get_secret_value() for token in self.tokens]
        if self.tokens_file is not None:
            if found:
                raise ConfigError("written.tokens_file: tokens is also set; keep only one")
            where, found = "written.tokens_file", _lines(self.tokens_file)
        if not found:
            raise ConfigError(f"{where}: no token is set; set one, such as the output of `openssl rand -hex 32`")
        if len(found) > MOST_TOKENS:
            raise ConfigError(f"{where}: more than {MOST_TOKENS} tokens; remove those that nobody uses")
        for token in found:
            if len(token) < LEAST_TOKEN:
                raise ConfigError(f"{where}: a token has fewer than {LEAST_TOKEN} characters; choose a longer one")
            if not (token.isascii() and token.isprintable()) or " " in token:
                raise ConfigError(f"{where}: a token has other characters than a header takes; use letters and digits")
        return tuple(token.encode() for token in found)


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES + 1)
        lines = content.decode().splitlines()
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(f"written.tokens_file: {path}: {cause}; give a readable file, a token a line") from None
    if len(content) > FILE_BYTES:
        raise ConfigError(f"written.tokens_file: {path}: longer than {FILE_BYTES} bytes; give a file of tokens")
    return [line.strip() for line in lines if line.strip()]


class Settings(ProcessSettings):
    """All settings of the process that takes written messages."""

    redis: RedisSettings = RedisSettings()
    written: WrittenSettings = WrittenSettings()
