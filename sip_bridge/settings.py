"""The [bridge] section: where forks arrive, which voice is whose, how speech is cut."""

from __future__ import annotations

import socket
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from callbus import Role
from callbus.contact_settings import ContactsSettings
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
"""For all calls together. The library has slots for some more (`PJSUA_MAX_CALLS` in its build)."""

Pattern = Annotated[str, Field(min_length=1, max_length=256)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,64}$")]


class BridgeSettings(BaseModel):
    """Every setting of a bridge. The defaults suit telephone calls of a contact centre."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    host: str = "0.0.0.0"
    """Address to listen on, for SIP and RTP."""
    port: int = Field(5060, ge=0, le=65535)
    """SIP port for UDP and TCP. 0 picks a free port; the log names it."""
    transports: tuple[Literal["udp", "tcp", "tls"], ...] = Field(("udp", "tcp"), min_length=1)
    """Use TCP or TLS for SIPREC: metadata rarely fits into a UDP packet."""
    tls_port: int = Field(5061, ge=0, le=65535)
    """SIP port for TLS, if `transports` has "tls". 0 picks a free port; the log names it."""
    tls_certificate: str = ""
    """PEM file with the bridge's TLS certificate and the intermediate certificates up to its CA."""
    tls_key: str = ""
    """PEM file with the private key, without a password."""
    tls_ca: str = ""
    """PEM file with the CA certificates that sign the PBXes' certificates. If a client presents a certificate, it is
    verified against them."""
    tls_client_certificate: bool = False
    """Require PBXes to present a certificate signed by `tls_ca` (mutual TLS)."""
    srtp: Literal["off", "optional", "required"] = "off"
    """Encrypted RTP with keys in the SDP (SDES, RFC 4568). Use it with TLS. `required` refuses forks without it."""
    rtp_source: Literal["strict", "learn", "off"] = "strict"
    """Whose packets are accepted. `strict`: those from the address in the stream's SDP; if the SDP names none, from the
    first address heard. `learn`: always from the first address heard. `off`: from anybody, who can then speak into a
    call."""
    public_address: str = ""
    """Address at which PBXes reach the bridge, if it differs from `host` (containers, NAT). Written into SIP and
    SDP."""
    rtp_port_min: int = Field(16_384, ge=1024, le=65_534)
    rtp_port_max: int = Field(32_767, ge=1025, le=65_535)
    """The default is below Linux's ephemeral ports. A two-leg call takes four ports."""
    max_calls: int = Field(500, ge=1, le=2_000)
    """Forks above this get 503, and a load balancer tries the next bridge. The PBX's own call continues. A call that is
    forked as two SIP calls counts once; a call that is recorded twice counts twice."""
    max_calls_per_peer: int = Field(0, ge=0, le=2_000)
    """Calls one peer may hold; more get 503. A peer is an address (for IPv6, a /64): an SBC, or the proxy in front. 0
    means `max_calls`."""
    new_forks_per_second: float = Field(100.0, ge=0, le=10_000)
    """New forks per second from one peer, and its largest burst; more get 503. 0 disables the limit."""
    refuse_while_overloaded: bool = True
    """Refuse new calls with 503 while most analysis workers say that they are overloaded. Calls that the bridge has go
    on, and further recordings of them are taken."""
    allowed_peers: tuple[str, ...] = ()
    """Addresses and networks that may fork calls, such as "192.0.2.10" and "198.51.100.0/24". Others get no answer.
    Empty: only the owners of `allowed_certificates`; if that is empty too, only this machine, and the bridge does not
    start on a `host` that other machines can reach. "any": anybody who reaches the port."""
    allowed_certificates: tuple[str, ...] = ()
    """Names in PBXes' certificates that may fork calls over mutual TLS, such as "sbc1.example.com": a DNS name or URI,
    or the common name if there is none. No wildcards. A peer is admitted if this or `allowed_peers` names it."""
    digest_users: dict[str, SecretStr] = {}
    """Users and passwords for digest authentication of forks: `{ sbc1 = "secret" }`, or
    CALLVANE_BRIDGE__DIGEST_USERS='{"sbc1": "secret"}'. Hashes of `user:realm:password` may replace the password:
    "SHA-256=… MD5=…", one or both. Empty disables authentication."""
    digest_realm: str = Field("callvane", pattern=r"^[A-Za-z0-9 ._-]{1,64}$")
    """The realm in the challenge."""
    digest_algorithms: tuple[Literal["SHA-256", "MD5"], ...] = Field(("SHA-256", "MD5"), min_length=1)
    """Algorithms in the challenge. Many PBXes still support only MD5."""
    bridge_id: str = Field("", max_length=128)
    """Name of this bridge in its messages. Empty: the host name and the SIP port."""

    agent_uri_patterns: tuple[Pattern, ...] = ()
    """Regular expressions, searched in a participant's address. A match is an agent. Patterns that a crafted address
    can make slow, such as `(.+,)*`, are refused at startup."""
    agent_extensions: tuple[Pattern, ...] = ()
    """User parts of agents' addresses, such as "2001"."""
    agent_side: Literal["caller", "callee", "unknown"] = "callee"
    """Which party is the agent if neither patterns nor extensions decide. `callee` fits incoming calls."""
    plain_role: Role = Role.UNKNOWN
    """Whose voice a fork with one stream and no metadata carries."""

    vendors: str = ""
    """File that describes what PBXes and recorders send beyond the standards. Empty: `config/vendors.toml`."""
    join_header: HeaderName = "X-Call-ID"
    """Header with the call id of a plain fork. Forks with the same id are legs of one call. Without the header, the
    `call-id` parameter of the request URI counts. Empty: every plain fork is a call of its own."""
    role_header: HeaderName = "X-Leg"
    """Header that says whose voice a plain fork carries, `customer` or `agent`. Without the header, the URI parameter
    `leg` counts, then `plain_role`. Empty: always `plain_role`."""

    caller_header: HeaderName = "X-Caller"
    """Header with the customer's number or address in a plain fork, for `[contacts]`: docs/contacts.md. Empty: no plain
    fork names its caller."""

    vad_aggressiveness: int = Field(2, ge=0, le=3)
    """0 passes all doubtful audio, 3 rejects most. 2 keeps line noise and hold hiss out of most utterances."""
    pre_roll_seconds: float = Field(0.3, ge=0, le=1)
    """Audio kept before the first speech: soft initial consonants are not detected as voice."""
    hangover_seconds: float = Field(0.4, ge=0.1, le=2)
    """Silence that ends an utterance. Shorter gives faster alerts; longer keeps sentences together."""
    ahead_seconds: float = Field(0.2, ge=0, le=2)
    """Silence after which analysis may start to read an utterance, ahead of its end; the words are dropped if the
    speaker goes on. At least `tail_seconds`; no use at `hangover_seconds` or more. 0 disables."""
    tail_seconds: float = Field(0.2, ge=0, le=2)
    """Audio kept after the last speech, at most the hangover: final consonants are not detected as voice either."""
    minimum_speech_seconds: float = Field(0.16, ge=0, le=2)
    """Less voiced audio than this is treated as a click or a breath. A short "no" has about 0.2 s."""
    maximum_utterance_seconds: float = Field(12.0, ge=3, le=29)
    """Longer speech is split at its quietest moment. Whisper's window is 30 s."""

    one_way_seconds: float = Field(30.0, ge=0, le=86_400)
    """A leg is reported as one-way audio if it stays silent while the others speak for this long in total. 0
    disables."""
    lost_share: float = Field(0.05, ge=0, le=1)
    """Packet loss at which a leg is reported, as a share from 0 to 1. Cleared below half of it. 0 disables."""
    jitter_seconds: float = Field(0.05, ge=0, le=10)
    """Interarrival jitter (RFC 3550) at which a leg is reported. Cleared below half of it. 0 disables."""
    late_share: float = Field(0.03, ge=0, le=1)
    """Share of audio discarded because it came too late or in bursts, at which a leg is reported. Cleared below half of
    it. 0 disables."""
    rtp_timeout_seconds: float = Field(30.0, ge=0, le=86_400)
    """A call is hung up after this long without RTP on its active streams and without an RTCP report or a request from
    its peer. If all its streams are held, the bridge sends OPTIONS after this long and hangs up if no answer comes. 0
    disables."""
    session_expires_seconds: int = Field(1_800, ge=90, le=86_400)
    """Longest time between session refreshes, if the PBX uses session timers (RFC 4028)."""
    session_minimum_seconds: int = Field(90, ge=90, le=86_400)
    """Shortest time between session refreshes that the bridge accepts."""
    drain_seconds: float = Field(0.0, ge=0, le=86_400)
    """How long a stopping bridge lets running calls continue. New forks get 503. A second signal ends the drain. 0
    hangs up at once."""
    shutdown_seconds: float = Field(3.0, ge=0.5, le=60)
    """How long a stopping bridge waits for PBXes to confirm the end of their calls."""

    @field_validator("allowed_peers")
    @classmethod
    def _are_networks(cls, peers: tuple[str, ...]) -> tuple[str, ...]:
        for peer in peers:
            try:
                peer == ANYBODY or network_in(peer)
            except ValueError:
                raise ValueError(f'{peer!r} is not an address, a network or "{ANYBODY}"') from None
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
            raise ValueError("tls_client_certificate needs tls_ca, the CA that signs the PBXes' certificates")
        if self.allowed_certificates and not (self.tls_ca and "tls" in self.transports):
            raise ValueError('allowed_certificates needs "tls" in transports, and tls_ca, the CA that signs them')
        if self.session_minimum_seconds > self.session_expires_seconds:
            raise ValueError("session_minimum_seconds must not exceed session_expires_seconds")
        return self

    @property
    def name(self) -> str:
        """This bridge's id in messages."""
        return self.bridge_id or f"{socket.gethostname()[:100]}:{self.port}"

    @property
    def max_dialogs(self) -> int:
        """Most dialogs at the same time: a call may be forked as two. The library needs more slots than these."""
        return min(2 * self.max_calls, MAX_DIALOGS)

    @property
    def on_loopback(self) -> bool:
        """Whether no other machine reaches the bridge."""
        address = address_in(self.host)
        return self.host == "localhost" if address is None else address.is_loopback

    @property
    def arrival_limits(self) -> ArrivalLimits:
        """Thresholds above which a stream's arrival is reported."""
        return ArrivalLimits(self.lost_share, self.jitter_seconds, self.late_share)

    @property
    def speech(self) -> SpeechLimits:
        """The segmenter's bounds, in frames."""
        hangover = _frames(self.hangover_seconds)
        tail = min(_frames(self.tail_seconds), hangover)
        ahead = max(_frames(self.ahead_seconds), tail) if self.ahead_seconds else 0
        return SpeechLimits(
            pre_roll=_frames(self.pre_roll_seconds),
            hangover=hangover,
            tail=tail,
            minimum=_frames(self.minimum_speech_seconds),
            maximum=_frames(self.maximum_utterance_seconds),
            ahead=ahead if ahead < hangover else 0,
        )


class SipBridgeSettings(ProcessSettings):
    """What `python -m sip_bridge` reads: [bridge], [contacts], [redis] and the sections of every process."""

    redis: RedisSettings = RedisSettings()
    contacts: ContactsSettings = ContactsSettings()
    bridge: BridgeSettings = Field(BridgeSettings(), validate_default=True)

    @field_validator("bridge")
    @classmethod
    def _knows_its_peers(cls, bridge: BridgeSettings) -> BridgeSettings:
        """A bridge that other machines reach must say who may fork calls; `BridgeSettings` alone need not."""
        if not (bridge.on_loopback or bridge.allowed_peers or bridge.allowed_certificates):
            raise ValueError(
                f"allowed_peers is empty, and other machines can reach host {bridge.host}: list the PBXes' addresses, "
                f'such as ["192.0.2.10"], or ["{ANYBODY}"] to let anybody fork calls'
            )
        return bridge


def _frames(seconds: float) -> int:
    return round(seconds / FRAME_SECONDS)
