"""The [bridge] section: where forks arrive, whose voice is whose, how speech is cut."""

from __future__ import annotations

import socket
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from callbus import Role
from callbus.redis.settings import RedisSettings
from service.rates import address_in
from service.settings import ProcessSettings
from sip_bridge.admission.peers import ANYBODY, network_in
from sip_bridge.hearing.segmenter import FRAME_SECONDS, SpeechLimits
from sip_bridge.hearing.stream_health import ArrivalLimits
from sip_bridge.request.agent_pattern import fault

PORTS_A_CALL = 4
"""RTP and RTCP of two streams."""
MAX_DIALOGS = 2_000
"""Of all calls together: the library has slots for some more (`PJSUA_MAX_CALLS` of its build)."""

Pattern = Annotated[str, Field(min_length=1, max_length=256)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,64}$")]


class BridgeSettings(BaseModel):
    """Every setting of a bridge; the defaults are those of telephone calls of a contact centre."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "0.0.0.0"
    """Address to listen on, for SIP and RTP."""
    port: int = Field(5060, ge=0, le=65535)
    """SIP port of UDP and TCP; 0 takes a free one, which the log names."""
    transports: tuple[Literal["udp", "tcp", "tls"], ...] = Field(("udp", "tcp"), min_length=1)
    """TCP and TLS are the ones for SIPREC: metadata seldom fits a UDP packet."""
    tls_port: int = Field(5061, ge=0, le=65535)
    """SIP port of TLS, where it is one of the transports; 0 takes a free one, which the log names."""
    tls_certificate: str = ""
    """The bridge's certificate for TLS and those between it and its CA, a PEM file."""
    tls_key: str = ""
    """Its private key, a PEM file without a password."""
    tls_ca: str = ""
    """The CA's certificates that sign those of PBXes, a PEM file. A client that shows a certificate is held to them."""
    tls_client_certificate: bool = False
    """Whether PBXes must show a certificate (mutual TLS) that `tls_ca` signed."""
    srtp: Literal["off", "optional", "required"] = "off"
    """Encrypted RTP, its keys in the SDP (SDES, RFC 4568): use TLS with it. `required` refuses forks without."""
    rtp_source: Literal["strict", "learn", "off"] = "strict"
    """Whose packets are heard. `strict`: only of the address that the stream's SDP names; where it names none, of the
    address heard first. `learn`: always of the address heard first. `off`: anybody's, who may then speak in a call."""
    public_address: str = ""
    """The address that PBXes reach, where it differs from `host` (containers, NAT); written into SIP and SDP."""
    rtp_port_min: int = Field(16_384, ge=1024, le=65_534)
    rtp_port_max: int = Field(32_767, ge=1025, le=65_535)
    """Ends below Linux's ephemeral ports; a two-leg call takes four ports."""
    max_calls: int = Field(500, ge=1, le=2_000)
    """Forks above it get 503, so that a load balancer tries the next bridge; the PBX's own call goes on. A call that is
    forked in two counts once, one that is recorded twice counts twice."""
    max_calls_per_peer: int = Field(0, ge=0, le=2_000)
    """Calls that one peer may hold; above it 503. A peer is an address (of IPv6, a /64): an SBC, or the proxy in front.
    0 is as many as `max_calls`."""
    new_forks_per_second: float = Field(100.0, ge=0, le=10_000)
    """Forks that one peer may begin in a second, and as many at once; above it 503. 0 is no limit."""
    allowed_peers: tuple[str, ...] = ()
    """Addresses and networks that may fork calls, such as "192.0.2.10" and "198.51.100.0/24"; others get 403. Empty:
    those that `allowed_certificates` names, else this machine alone, and where `host` is reached from others, an error.
    "any": anybody who reaches the port."""
    allowed_certificates: tuple[str, ...] = ()
    """Names in PBXes' certificates (a DNS name or a URI, else the common name) that may fork calls over mutual TLS,
    such as "sbc1.example.com", whole and without wildcards. A peer is let in that this or `allowed_peers` names."""
    digest_users: dict[str, SecretStr] = {}
    """Users and passwords that forks must prove (digest authentication): `{ sbc1 = "secret" }`, or
    CALLVANE_BRIDGE__DIGEST_USERS='{"sbc1": "secret"}'. Instead of a password, hashes of `user:realm:password`:
    "SHA-256=… MD5=…", either or both. Empty: nothing needs to be proven."""
    digest_realm: str = Field("callvane", pattern=r"^[A-Za-z0-9 ._-]{1,64}$")
    """What the passwords are for, as PBXes are asked."""
    digest_algorithms: tuple[Literal["SHA-256", "MD5"], ...] = Field(("SHA-256", "MD5"), min_length=1)
    """What is offered; many PBXes still know MD5 alone."""
    bridge_id: str = Field("", max_length=128)
    """Names this bridge in its messages; empty is the machine's name and the SIP port."""

    agent_uri_patterns: tuple[Pattern, ...] = ()
    """Regular expressions, searched in a participant's address: who matches is an agent. Those that an address can
    make slow, such as `(.+,)*`, are refused at the start."""
    agent_extensions: tuple[Pattern, ...] = ()
    """User parts that are agents, such as "2001"."""
    agent_side: Literal["caller", "callee", "unknown"] = "callee"
    """Who is the agent where neither patterns nor extensions tell the parties apart; `callee` fits incoming calls."""
    plain_role: Role = Role.UNKNOWN
    """Whose voice a fork with one stream and no metadata carries."""

    vendors: str = ""
    """A file that says what PBXes and recorders write beyond the standards; empty is `config/vendors.toml`."""
    join_header: HeaderName = "X-Call-ID"
    """Names the call of a plain fork: forks of one name are legs of one call. Without it counts the parameter `call-id`
    of the request's URI. Empty: every plain fork is a call of its own."""
    role_header: HeaderName = "X-Leg"
    """Names the voice of a plain fork, `customer` or `agent`. Without it counts the URI's parameter `leg`, then
    `plain_role`. Empty: always `plain_role`."""

    vad_aggressiveness: int = Field(2, ge=0, le=3)
    """0 lets all doubtful audio through, 3 cuts hardest; 2 keeps line noise and hold hiss out of most utterances."""
    pre_roll_seconds: float = Field(0.3, ge=0, le=1)
    """Audio kept before the first speech: soft first consonants are not voiced."""
    hangover_seconds: float = Field(0.4, ge=0.1, le=2)
    """Silence that ends an utterance; shorter answers sooner, longer keeps sentences together."""
    tail_seconds: float = Field(0.2, ge=0, le=2)
    """Audio kept after the last speech, at most the hangover: final consonants are not voiced either."""
    minimum_speech_seconds: float = Field(0.16, ge=0, le=2)
    """Less voiced audio than this is a click or a breath; a short "no" has about 0.2 s."""
    maximum_utterance_seconds: float = Field(12.0, ge=3, le=29)
    """Longer speech is split at its quietest moment; Whisper's window is 30 s."""

    one_way_seconds: float = Field(30.0, ge=0)
    """A leg that says nothing while the others speak for so long, all in all, is told of as one-way audio; 0 never."""
    lost_share: float = Field(0.05, ge=0, le=1)
    """A leg that loses this share of its packets within some seconds is told of, until it loses less than half as many;
    0 never."""
    jitter_seconds: float = Field(0.05, ge=0)
    """The same of its packets' interarrival jitter (RFC 3550)."""
    late_share: float = Field(0.03, ge=0, le=1)
    """The same of its share of audio that comes too late, or in bursts, to be heard."""
    rtp_timeout_seconds: float = Field(30.0, ge=0)
    """A call whose active streams bring no packet for this long, nor its peer an RTCP report or a request, is hung up;
    0 never hangs up."""
    session_expires_seconds: int = Field(1_800, ge=90)
    """Longest time between session refreshes, where the PBX uses session timers (RFC 4028)."""
    session_minimum_seconds: int = Field(90, ge=90)
    """Shortest one that is agreed to."""
    drain_seconds: float = Field(0.0, ge=0, le=86_400)
    """How long a stop lets running calls go on to their own end, while new forks get 503; a second signal ends the
    wait. 0 hangs up at once."""
    shutdown_seconds: float = Field(3.0, ge=0.5, le=60)
    """How long a stop waits for the PBXes to confirm the end of their calls."""

    @field_validator("allowed_peers")
    @classmethod
    def _are_networks(cls, peers: tuple[str, ...]) -> tuple[str, ...]:
        for peer in peers:
            try:
                peer == ANYBODY or network_in(peer)
            except ValueError:
                raise ValueError(f'{peer!r} is no address or network, nor "{ANYBODY}"') from None
        return peers

    @field_validator("agent_uri_patterns")
    @classmethod
    def _compiles(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if told := fault(pattern):
                raise ValueError(f"{pattern!r} {told}")
        return patterns

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.rtp_port_max - self.rtp_port_min + 1 < PORTS_A_CALL * self.max_calls:
            raise ValueError(
                f"rtp_port_min to rtp_port_max must hold {PORTS_A_CALL} ports for each of max_calls={self.max_calls}"
            )
        if "tls" in self.transports and not (self.tls_certificate and self.tls_key):
            raise ValueError('transports has "tls": set tls_certificate and tls_key')
        if self.tls_client_certificate and not self.tls_ca:
            raise ValueError("tls_client_certificate needs tls_ca, the CA that signs them")
        if self.allowed_certificates and not (self.tls_ca and "tls" in self.transports):
            raise ValueError('allowed_certificates needs "tls" among transports, and tls_ca, the CA that signs them')
        if self.session_minimum_seconds > self.session_expires_seconds:
            raise ValueError("session_minimum_seconds must not exceed session_expires_seconds")
        return self

    @property
    def name(self) -> str:
        """This bridge's id in messages."""
        return self.bridge_id or f"{socket.gethostname()[:100]}:{self.port}"

    @property
    def max_dialogs(self) -> int:
        """Dialogs at once: a call may be forked in two. The library needs slots for more than these."""
        return min(2 * self.max_calls, MAX_DIALOGS)

    @property
    def on_loopback(self) -> bool:
        """Whether no other machine reaches the bridge."""
        address = address_in(self.host)
        return self.host == "localhost" if address is None else address.is_loopback

    @property
    def arrival_limits(self) -> ArrivalLimits:
        """From where on something is the matter with how packets arrive."""
        return ArrivalLimits(self.lost_share, self.jitter_seconds, self.late_share)

    @property
    def speech(self) -> SpeechLimits:
        """The segmenter's bounds, in frames."""
        hangover = _frames(self.hangover_seconds)
        return SpeechLimits(
            pre_roll=_frames(self.pre_roll_seconds),
            hangover=hangover,
            tail=min(_frames(self.tail_seconds), hangover),
            minimum=_frames(self.minimum_speech_seconds),
            maximum=_frames(self.maximum_utterance_seconds),
        )


class SipBridgeSettings(ProcessSettings):
    """What `python -m sip_bridge` reads: [bridge], [redis] and the sections of every process."""

    redis: RedisSettings = RedisSettings()
    bridge: BridgeSettings = Field(BridgeSettings(), validate_default=True)

    @field_validator("bridge")
    @classmethod
    def _knows_its_peers(cls, bridge: BridgeSettings) -> BridgeSettings:
        """A bridge that others reach says who may fork calls to it; `BridgeSettings` alone need not."""
        if not (bridge.on_loopback or bridge.allowed_peers or bridge.allowed_certificates):
            raise ValueError(
                f"allowed_peers is empty, and other machines reach host {bridge.host}: name the PBXes' addresses, "
                f'such as ["192.0.2.10"]; ["{ANYBODY}"] lets anybody fork calls'
            )
        return bridge


def _frames(seconds: float) -> int:
    return round(seconds / FRAME_SECONDS)
