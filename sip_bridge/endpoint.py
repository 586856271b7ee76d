"""SIP and RTP: the library, its transports and the account that all forks come to. With `dialog` all that knows pjsua2.

One thread owns the library: it polls it, drains a queue of commands and runs every callback but one, that of a capture
port (`dialog`). No other thread of the process ever calls into the library.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import pjsua2 as pj

from callbus import Role
from service.settings import ConfigError
from sip_bridge import certificates, invite, joining, outcome
from sip_bridge.call import CallIds
from sip_bridge.dialog import Dialog
from sip_bridge.invite import Invite
from sip_bridge.joining import JoinedCall, Naming
from sip_bridge.listener import Listener
from sip_bridge.outcome import Ending, Refusal
from sip_bridge.peers import Peers, address_of
from sip_bridge.recordings import Recording, Recordings
from sip_bridge.roles import AgentRules
from sip_bridge.settings import BridgeSettings

POLL_SECONDS = 0.02
"""How long the library is given at a time: a command waits at most this long."""
INSPECTION_SECONDS = 2.0
"""Between two looks at a stream's statistics."""
SPARE_CALLS = 32
"""Library calls above max_calls, for those being refused or ending: above them it answers 486 by itself."""
OVERLOAD_SECONDS = 1.0
"""A listening round this long means that audio is about to be shed: no new forks."""
OPENING_SECONDS = 15.0
HANDSHAKE_SECONDS = 10.0
"""For TLS: a client that connects and says nothing is let go."""
SRTP = {"off": pj.PJMEDIA_SRTP_DISABLED, "optional": pj.PJMEDIA_SRTP_OPTIONAL, "required": pj.PJMEDIA_SRTP_MANDATORY}
ADDRESS_IN_USE = 120098
LINES_KEPT = 32

log = logging.getLogger(__name__)


class Endpoint:
    """Start it, stop it. `drain` and `stop` may be called from any thread."""

    def __init__(self, settings: BridgeSettings, listener: Listener) -> None:
        self.settings = settings
        self.listener = listener
        self.bridge_id = settings.name
        self.dialogs: dict[int, Dialog] = {}
        """Strong references: Python's collector must never end a call. By the library's call number."""
        self.joined: dict[tuple[str, str], JoinedCall] = {}
        """Open calls of plain forks that name their call, by the peer and that name."""
        self.recordings = Recordings()
        self.draining = False
        self.backlogged = False
        """Set from outside while Redis takes messages too slowly for more calls."""
        self.peers = Peers(settings.allowed_peers, settings.new_forks_per_second)
        self.call_ids = CallIds()
        self.rules = AgentRules(settings.agent_uri_patterns, settings.agent_extensions, settings.agent_side)
        self._commands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._running = True
        self._ended: list[Dialog] = []
        self._opened: Future[int] = Future()
        self.ended: Future[None] = Future()
        """Done when the thread has ended; with the fault, where one ended it."""
        self.turned_at = time.monotonic()
        """When the library last gave the thread back; long ago means that it hangs."""
        self.tls_port = 0
        """Where SIP over TLS is listened to; 0 for nowhere. Known once started."""
        self._thread = Thread(target=self._run, name="sip", daemon=True)

    def start(self) -> int:
        """Listen; the SIP port. ConfigError if that cannot be done with these settings."""
        self._thread.start()
        return self._opened.result(OPENING_SECONDS)

    @property
    def held(self) -> int:
        """Forks that feed a call at this moment. Any thread."""
        return sum(dialog.call is not None for dialog in list(self.dialogs.values()))

    def drain(self) -> None:
        """Refuse new forks from now on."""
        self._commands.put(self._drain)

    def stop(self, timeout_seconds: float) -> bool:
        """Hang up all calls and close the library; false when that took too long (the thread is left behind)."""
        self._commands.put(self._stop)
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    # From here on everything runs on the library's thread.

    def _run(self) -> None:
        try:
            library = _Library()
            account = self._open(library)
        except Exception as error:
            self._opened.set_exception(error)
            return
        try:
            self._serve(library)
            self._close(library, account)
        except Exception as error:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)

    def _serve(self, library: _Library) -> None:
        due = time.monotonic()
        while self._running:
            self._turn(library)
            self.turned_at = now = time.monotonic()
            if now >= due:
                due = now + INSPECTION_SECONDS
                for dialog in list(self.dialogs.values()):
                    dialog.inspect(now)
                library.report()
                if noise := self.peers.noise(now):
                    log.warning("%s", noise)

    def _turn(self, library: _Library) -> None:
        library.libHandleEvents(round(POLL_SECONDS * 1000))
        self._ended.clear()  # a call object may not go within its own callback
        while True:
            try:
                command = self._commands.get_nowait()
            except Empty:
                return
            command()

    def _drain(self) -> None:
        self.draining = True

    def _stop(self) -> None:
        self._running = False

    def _open(self, library: _Library) -> _Account:
        settings = self.settings
        library.libCreate()
        library.libInit(_library_config(settings, library))
        port = settings.port
        for transport in sorted(
            {*settings.transports} - {"tls"}
        ):  # TCP's port, where it was free, is then asked of UDP
            port = self._listen(library, transport, port)
        if "tls" in settings.transports:
            certificates.check(settings)
            self.tls_port = self._listen(library, "tls", settings.tls_port)
        library.libStart()
        library.audDevManager().setNullDev()
        account = _Account(self)
        account.create(_account_config(settings))
        if not settings.bridge_id:
            self.bridge_id = settings.model_copy(update={"port": port}).name
        self._opened.set_result(port)
        return account

    def _listen(self, library: _Library, transport: str, port: int) -> int:
        config = _address(self.settings)
        config.port = port
        config.tlsConfig = _tls_config(self.settings)
        setting, kind = {
            "udp": ("port", pj.PJSIP_TRANSPORT_UDP),
            "tcp": ("port", pj.PJSIP_TRANSPORT_TCP),
            "tls": ("tls_port", pj.PJSIP_TRANSPORT_TLS),
        }[transport]
        try:
            identity = library.transportCreate(kind, config)
        except pj.Error as error:
            cause = "is taken" if error.status == ADDRESS_IN_USE else f"cannot be used: {error.reason}"
            raise ConfigError(f"bridge.{setting}: {transport} {self.settings.host}:{port} {cause}") from None
        return int(library.transportGetInfo(identity).localName.rpartition(":")[2])

    def _close(self, library: _Library, account: _Account) -> None:
        self.draining = True
        deadline = time.monotonic() + self.settings.shutdown_seconds
        for dialog in list(self.dialogs.values()):
            dialog.end(Ending.SHUTDOWN)
        while self.dialogs and time.monotonic() < deadline:
            self._turn(library)
        for dialog in list(self.dialogs.values()):
            dialog.over(Ending.SHUTDOWN)
        self._ended.clear()
        account.shutdown()
        del account
        library.libDestroy(pj.PJSUA_DESTROY_NO_NETWORK)  # all has been said; it would wait a second for more

    def admit(self, peer: str, naming: Naming, streams: int) -> Refusal | None:
        """Why no new fork is taken at this moment. Half a call is no use: what joins one that we have is taken."""
        if self.listener.round_seconds > OVERLOAD_SECONDS:
            return Refusal.OVERLOADED
        if joined := self.joined.get((peer, naming.call_id)):
            return None if joined.has_room(naming.role or Role.UNKNOWN, streams) else Refusal.LEGS
        if self.draining:
            return Refusal.DRAINING
        if self.backlogged:
            return Refusal.BACKLOG
        holders = [dialog.peer for dialog in self.dialogs.values() if dialog.call is not None]
        if len(holders) >= self.settings.max_calls:
            return Refusal.CAPACITY
        if 0 < self.settings.max_calls_per_peer <= holders.count(peer):
            return Refusal.PEER_CAPACITY
        return None

    def later(self, command: Callable[[], None]) -> None:
        """Do something that may not be done within a callback of the library."""
        self._commands.put(command)

    def succeed(self, recording: Recording) -> None:
        """Let the next dialog of a call that is recorded more than once be heard."""
        if recording.dialogs:
            self.dialogs[recording.dialogs[0]].take_over(recording)

    def forget(self, dialog: Dialog) -> None:
        """Let go of an ended dialog, once its callback has returned."""
        self.dialogs.pop(dialog.number, None)
        self._ended.append(dialog)


class _Library(pj.Endpoint):  # type: ignore[misc] # pjsua2 ships no types
    """pjsua2's endpoint, with what it says about itself."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)

    def onRejectedIncomingCall(self, prm: Any) -> None:
        """The library refused an INVITE before we saw it."""
        outcome.refused_by_library(prm.statusCode)

    def report(self) -> None:
        """Log the library's errors, a few at a time. Their first lines only: below may stand a caller's number."""
        if self.lines:
            lines, count = [*self.lines][:3], len(self.lines)
            self.lines.clear()
            log.warning("pjsua2 (%d lines): %s", count, " | ".join(lines))


class _LogWriter(pj.LogWriter):  # type: ignore[misc]
    """Keeps what the library logs; runs on any of its threads, under its locks."""

    def __init__(self, lines: deque[str]) -> None:
        super().__init__()
        self._lines = lines

    def write(self, entry: Any) -> None:
        """Take one entry."""
        self._lines.append(entry.msg.partition("\n")[0][:160])


class _Account(pj.Account):  # type: ignore[misc]
    """The one account that all forks come to."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self._endpoint = endpoint

    def onIncomingCall(self, prm: Any) -> None:
        """An INVITE: answer or refuse it at once, so that no PBX waits for us with a live call."""
        dialog = Dialog(self, prm.callId, self._endpoint)
        self._endpoint.dialogs[dialog.number] = dialog
        dialog.peer = address_of(prm.rdata.srcAddress)
        if refusal := self._endpoint.peers.judge(dialog.peer, time.monotonic()):
            dialog.refuse(refusal)
            return
        try:
            raw = prm.rdata.wholeMsg.encode("utf-8", "surrogateescape")
            offer = invite.read(raw, self._endpoint.rules, self._endpoint.settings.plain_role)
            dialog.answer(offer, self._naming(raw, offer))
        except Exception:
            log.exception("a fork could not be answered")
            dialog.refuse(Refusal.FAILED)

    def _naming(self, raw: bytes, offer: Invite) -> Naming:
        """What a plain fork says of itself; nothing for one with metadata, which says it better."""
        if offer.metadata_fault != "none":
            return Naming()
        settings = self._endpoint.settings
        naming = joining.read(raw, settings.join_header, settings.role_header)
        if len(offer.legs) != 1:  # one word cannot tell several streams apart
            return Naming(naming.call_id)
        return Naming(naming.call_id, naming.role or settings.plain_role)


def _library_config(settings: BridgeSettings, library: _Library) -> Any:
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0  # the library's own thread is ours
    config.uaConfig.maxCalls = settings.max_calls + SPARE_CALLS
    config.uaConfig.userAgent = "Callvane"
    config.uaConfig.natTypeInSdp = 0
    config.logConfig.level, config.logConfig.consoleLevel, config.logConfig.msgLogging = 1, 0, 0
    writer = _LogWriter(library.lines)
    writer.__disown__()  # the library deletes it
    config.logConfig.writer = writer
    media = config.medConfig
    media.clockRate = media.sndClockRate = 8_000
    media.channelCount, media.audioFramePtime, media.ptime = 1, 20, 20
    media.maxMediaPorts = 2 * invite.MAX_STREAMS + 4 * (settings.max_calls + SPARE_CALLS)
    media.threadCnt = 1
    media.ecTailLen, media.noVad, media.sndAutoCloseTime = 0, True, -1
    return config


def _account_config(settings: BridgeSettings) -> Any:
    config = pj.AccountConfig()
    host = settings.public_address or settings.host
    config.idUri = f"sip:callvane@{f'[{host}]' if ':' in host else host}"
    config.regConfig.registerOnAdd = False
    config.sipConfig.contactParams = ";+sip.srs"
    config.callConfig.siprecUse = pj.PJSUA_SIP_SIPREC_OPTIONAL
    config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_OPTIONAL
    config.callConfig.timerMinSESec = settings.session_minimum_seconds
    config.callConfig.timerSessExpiresSec = settings.session_expires_seconds
    config.mediaConfig.transportConfig = _address(settings)
    config.mediaConfig.transportConfig.port = settings.rtp_port_min
    config.mediaConfig.transportConfig.portRange = settings.rtp_port_max - settings.rtp_port_min
    config.mediaConfig.lockCodecEnabled = False  # it would send re-INVITEs, which recorders handle badly
    config.mediaConfig.streamKaEnabled = False
    config.mediaConfig.srtpUse = SRTP[settings.srtp]
    config.mediaConfig.srtpSecureSignaling = 0  # keys over an unencrypted dialog are the operator's business
    return config


def _tls_config(settings: BridgeSettings) -> Any:
    config = pj.TlsConfig()
    config.proto = pj.PJ_SSL_SOCK_PROTO_TLS1_2 | pj.PJ_SSL_SOCK_PROTO_TLS1_3
    config.certFile, config.privKeyFile, config.CaListFile = (
        settings.tls_certificate,
        settings.tls_key,
        settings.tls_ca,
    )
    config.verifyClient = bool(settings.tls_ca)
    config.requireClientCert = settings.tls_client_certificate
    config.msecTimeout = round(HANDSHAKE_SECONDS * 1000)
    return config


def _address(settings: BridgeSettings) -> Any:
    config = pj.TransportConfig()
    config.boundAddress = "" if settings.host == "0.0.0.0" else settings.host
    config.publicAddress = settings.public_address
    return config
