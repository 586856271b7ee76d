"""pjsua2's endpoint: its configuration and its own events and log. One of the files that use pjsua2."""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

import pjsua2 as pj

from sip_bridge.pjsip import certificates
from sip_bridge.pjsip.callback import guarded
from sip_bridge.pjsip.certificates import Connections
from sip_bridge.pjsip.statuses import refused_by_library
from sip_bridge.settings import BridgeSettings

SPARE_CALLS = 32
"""Call slots above `max_dialogs`, for calls being refused or ending. Without a free slot the library answers 486."""
LINES_KEPT = 32

log = logging.getLogger(__name__)


class Library(pj.Endpoint):  # type: ignore[misc] # pjsua2 ships no types
    """pjsua2's endpoint, with its events and log."""

    def __init__(self, connections: Connections) -> None:
        super().__init__()
        self._connections = connections
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)

    @guarded
    def onRejectedIncomingCall(self, prm: Any) -> None:
        """The library refused an INVITE before we saw it."""
        refused_by_library(prm.statusCode)

    @guarded
    def onTransportState(self, prm: Any) -> None:
        """A connection is up or gone. For TLS, record the names in its certificate."""
        if prm.type.upper() != "TLS":
            return
        if prm.state != pj.PJSIP_TP_STATE_CONNECTED:
            self._connections.closed(int(prm.hnd))
        elif prm.tlsInfo.verifyStatus == 0:
            certificate = prm.tlsInfo.remoteCertInfo
            by_kind = {
                kind: [each.name for each in certificate.subjectAltName if each.type == kind]
                for kind in (pj.PJ_SSL_CERT_NAME_DNS, pj.PJ_SSL_CERT_NAME_URI)
            }
            names = certificates.names_of(certificate.subjectCn, *by_kind.values())
            self._connections.opened(int(prm.hnd), prm.tlsInfo.remoteAddr, names)

    def report(self) -> None:
        """Log the library's errors, a few at a time. Only their first lines: the others may hold a caller's number."""
        if self.lines:
            lines, count = [*self.lines][:3], len(self.lines)
            self.lines.clear()
            log.warning("pjsua2 (%d lines): %s", count, " | ".join(lines))


class _LogWriter(pj.LogWriter):  # type: ignore[misc]
    """Keeps the library's log entries. Runs on any of its threads, under its locks."""

    def __init__(self, lines: deque[str]) -> None:
        super().__init__()
        self._lines = lines

    @guarded
    def write(self, entry: Any) -> None:
        """Keep one entry's first line."""
        self._lines.append(entry.msg.partition("\n")[0][:160])


def configured(settings: BridgeSettings, library: Library) -> Any:
    """The library's configuration."""
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0  # our own thread polls the library
    config.uaConfig.maxCalls = settings.max_dialogs + SPARE_CALLS
    config.uaConfig.userAgent = "Callvane"
    config.uaConfig.natTypeInSdp = 0
    # Without a console level the library writes nothing, even to a custom writer.
    config.logConfig.level, config.logConfig.consoleLevel, config.logConfig.msgLogging = 1, 1, 0
    writer = _LogWriter(library.lines)
    writer.__disown__()  # the library deletes it
    config.logConfig.writer = writer
    media = config.medConfig
    media.clockRate = media.sndClockRate = 8_000
    media.channelCount, media.audioFramePtime, media.ptime = 1, 20, 20
    media.threadCnt = 1
    media.ecTailLen, media.noVad, media.sndAutoCloseTime = 0, True, -1
    media.noConf = True  # nothing is mixed or played; the rings take the streams' packets
    return config
