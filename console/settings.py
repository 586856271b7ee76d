"""The [console] section: where the page is served, to whom, and its limits."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_address, ip_network
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from callbus.redis.settings import RedisSettings
from service.settings import ConfigError, ProcessSettings

LEAST_PASSWORD = 8
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class ConsoleSettings(BaseModel):
    """How the page is served and how much it holds."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    host: str = "127.0.0.1"
    """Address to listen on. Without a password, only loopback is accepted: transcripts are people's words."""
    port: int = Field(8080, ge=0, le=65535)
    """0 picks a free port; the log names it."""
    user: str = Field("supervisor", pattern=r"^[^:]{1,64}$")
    """User name to sign in with, if there is a password."""
    password: SecretStr = SecretStr("")
    """If set, every browser must sign in, even on loopback. At least 8 characters. Put TLS in front on a network."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names under which the page may be opened. Empty: any with a password, otherwise only loopback names, so that
    a foreign web page cannot read transcripts by pointing its own name at 127.0.0.1."""
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses and networks of reverse proxies in front. Wrong passwords are counted by the client address in their
    X-Forwarded-For. Without that header, or if the proxy is not listed, all its clients count as one address."""
    max_browsers: int = Field(200, ge=1, le=10_000)
    """Open pages. Further pages are told to wait. Each costs a socket and a queue."""
    queue_events: int = Field(512, ge=16, le=100_000)
    """Events queued for one browser before it is disconnected: about half a minute of 200 calls. It catches up when it
    reconnects."""
    heartbeat_seconds: float = Field(2.0, ge=0.2, le=30)
    """A page that receives nothing for three of these shows that it is stale."""
    alerts_kept: int = Field(100, ge=1, le=1_000)
    """Latest alerts on the page."""
    max_calls: int = Field(1_000, ge=1, le=10_000)
    """Calls on the page. Above this, the call heard from longest ago is removed."""
    ended_seconds: float = Field(60.0, ge=0, le=3_600)
    """How long an ended call stays on the page, so that its outcome can be seen."""
    silent_hours: float = Field(4.0, gt=0, le=48)
    """A call without any event for this long is treated as ended and leaves the page."""
    debriefs_read: int = Field(5_000, ge=100, le=100_000)
    """Latest debriefs that one page looks through: a debrief, their list, a technique. A page says if it was cut."""
    agent_key: SecretStr = SecretStr("")
    """Signs the links by which agents open a view of their own call: docs/practice.md. At least 16 bytes, known to the
    desktop that makes the links and to nobody else. Empty: there are no such views."""
    agent_key_file: Path | None = None
    """File with that key, instead of `agent_key`."""
    max_agents: int = Field(500, ge=1, le=10_000)
    """Open agents' views, at most four of one call. Further ones are told to wait."""

    softphone: str = Field("", max_length=200, pattern=r"^(sips?:[A-Za-z0-9_.%+-]+@[A-Za-z0-9_.:\[\]-]+)?$")
    """SIP address that the page invites people to dial with a softphone, to speak and read themselves, such as
    `sip:callvane@192.0.2.10:5060`. Empty: nothing is shown."""

    @field_validator("proxies")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                ip_network(proxy)
            except ValueError:
                raise ValueError(f"{proxy!r} is not an address or network") from None
        return proxies

    @property
    def trusted(self) -> list[str]:
        """The proxies, with each IPv4 address also in the form that an IPv6 socket reports."""
        networks = [ip_network(proxy) for proxy in self.proxies]
        as_ipv6 = [
            f"::ffff:{each.network_address}/{96 + each.prefixlen}" for each in networks if isinstance(each, IPv4Network)
        ]
        return [*map(str, networks), *as_ipv6]

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the page."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def hosts(self) -> frozenset[str]:
        """Host names allowed in requests, in lower case; empty allows any."""
        if self.allowed_hosts:
            return frozenset(name.lower().strip("[]") for name in self.allowed_hosts)
        return frozenset() if self.password.get_secret_value() else frozenset({*LOOPBACK_NAMES, self.host.lower()})

    @property
    def agents(self) -> int:
        """Most agents' views that may be open; 0 without a key."""
        return self.max_agents if self.agent_key.get_secret_value() or self.agent_key_file else 0

    def check(self) -> None:
        """Reject settings that would show calls to strangers. Raises ConfigError, which never quotes the password."""
        password = self.password.get_secret_value()
        if not password and not self.on_loopback:
            raise ConfigError(
                f"console.host: {self.host} is reachable from other machines and console.password is not set; "
                "set a password, or listen on 127.0.0.1"
            )
        if password and len(password) < LEAST_PASSWORD:
            raise ConfigError(f"console.password: shorter than {LEAST_PASSWORD} characters; choose a longer one")


class Settings(ProcessSettings):
    """All settings of the console process."""

    redis: RedisSettings = RedisSettings()
    console: ConsoleSettings = ConsoleSettings()
