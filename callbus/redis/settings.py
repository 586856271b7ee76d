"""The [redis] section: which Redis, which key names, how much is kept."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from callbus.redis.address import fault


class RedisSettings(BaseModel):
    """Where the bus is, and its limits."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    url: str = Field("redis://127.0.0.1:6379/0", pattern=r"^(redis|rediss|unix)://")
    """`redis://`, `rediss://` (TLS) or `unix:///path/to/socket`. Redis 6.2 or newer, or Valkey."""
    prefix: str = Field("callvane", pattern=r"^[A-Za-z0-9_.-]{1,32}$")
    """Prefix of every key and channel. Two Callvanes with different prefixes can share one Redis."""
    partitions: int = Field(16, ge=1, le=256)
    """Streams that fork events are spread over, by call. At most this many analysis workers can share the work."""
    partition_length: int = Field(256, ge=16, le=100_000)
    """Fork events a partition holds before its oldest audio is dropped. One with 4 s of speech takes 64 kB."""
    backlog_events: int = Field(2_000, ge=16, le=1_000_000)
    """Fork events a bridge buffers while Redis is unavailable. Above this, it drops the oldest audio and counts it."""
    stream_megabytes: float = Field(64, ge=1, le=100_000)
    """Redis memory for each of the alert, transcript, call and debrief streams. Above this, the oldest entries go."""
    retention_days: float = Field(30, gt=0, le=3_650)
    """Transcripts, alerts, call states, debriefs and dead letters older than this are removed within a minute."""
    state_seconds: float = Field(3_600, ge=60, le=2_592_000)
    """How long a call's state is kept after its last turn."""
    lease_seconds: float = Field(5.0, ge=0.5, le=60)
    """How long the partitions of a dead analysis worker stay reserved before another worker takes them."""

    @field_validator("url")
    @classmethod
    def _is_whole(cls, url: str) -> str:
        if told := fault(url):
            raise ValueError(told)
        return url


class Keys:
    """Every Redis key and channel by name; see docs/integration/redis.md."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.alerts = f"{prefix}:alerts"
        self.transcripts = f"{prefix}:transcripts"
        self.calls = f"{prefix}:calls"
        self.debriefs = f"{prefix}:debriefs"
        self.live = f"{prefix}:live"
        self.workers = f"{prefix}:workers"
        self.overloaded = f"{prefix}:overloaded"
        self.bridges = f"{prefix}:bridges"
        self.beginning = f"{prefix}:beginning"
        self.oldest_audio = f"{prefix}:oldest-audio"
        self.unheld = f"{prefix}:unheld"
        self.swept = f"{prefix}:swept"
        self.trimmed = f"{prefix}:trimmed"
        self.conversations = f"{prefix}:conversations"
        self.dead_letters = f"{prefix}:dead-letters"
        self.first_contacts = f"{prefix}:first-contacts"

    def forks(self, partition: int) -> str:
        """Stream of one partition's fork events."""
        return f"{self.prefix}:forks:{partition}"

    def ahead(self, partition: int) -> str:
        """Channel of what is told ahead of one partition's utterances."""
        return f"{self.prefix}:ahead:{partition}"

    def bridge_calls(self, instance: str) -> str:
        """The calls a running bridge holds, with their opening times."""
        return f"{self.prefix}:bridge-calls:{instance}"

    def written(self, instance: str) -> str:
        """A bridge's latest batch of fork events."""
        return f"{self.prefix}:written:{instance}"

    def lease(self, partition: int) -> str:
        """The worker that owns a partition."""
        return f"{self.prefix}:lease:{partition}"

    def holder(self, partition: int) -> str:
        """The worker that last owned a partition, even after its lease expired."""
        return f"{self.prefix}:holder:{partition}"

    def committed(self, call_id: str) -> str:
        """The last committed event of a call."""
        return f"{self.prefix}:committed:{call_id}"

    def state(self, call_id: str) -> str:
        """A call's detector state."""
        return f"{self.prefix}:state:{call_id}"

    def conversation(self, call_id: str) -> str:
        """What is known of a written conversation where its messages are taken."""
        return f"{self.prefix}:conversation:{call_id}"

    def message(self, name: str) -> str:
        """Exists while a written message must not be taken again."""
        return f"{self.prefix}:message:{name}"

    def published(self, alert_id: str) -> str:
        """Exists while an alert must not be published again."""
        return f"{self.prefix}:published:{alert_id}"

    def load(self, agent: str) -> str:
        """An agent's load, by the agent's hash."""
        return f"{self.prefix}:load:{agent}"

    def call_load(self, call_id: str) -> str:
        """What is shown of the load of a call's agent."""
        return f"{self.prefix}:call-load:{call_id}"

    def contacts(self, caller: str) -> str:
        """When a caller has called, by the caller's hash."""
        return f"{self.prefix}:contacts:{caller}"
