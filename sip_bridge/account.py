"""The account that all forks come to: who is let in, what an INVITE says. One of the files that know pjsua2."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from sip_bridge import invite, joining, multipart, transports
from sip_bridge.certificates import NO_NAMES
from sip_bridge.dialog import Dialog
from sip_bridge.digest import Verdict
from sip_bridge.invite import Invite
from sip_bridge.joining import Naming
from sip_bridge.outcome import Refusal
from sip_bridge.peers import address_of
from sip_bridge.settings import BridgeSettings

if TYPE_CHECKING:
    from sip_bridge.endpoint import Endpoint

SRTP = {"off": pj.PJMEDIA_SRTP_DISABLED, "optional": pj.PJMEDIA_SRTP_OPTIONAL, "required": pj.PJMEDIA_SRTP_MANDATORY}

log = logging.getLogger(__name__)


class Account(pj.Account):  # type: ignore[misc] # pjsua2 ships no types
    """There is one for TLS, by which the library tells what has come over it, and one for all else."""

    def __init__(self, endpoint: Endpoint, tls: bool) -> None:
        super().__init__()
        self._endpoint = endpoint
        self._tls = tls

    def onIncomingCall(self, prm: Any) -> None:
        """An INVITE: answer or refuse it at once, so that no PBX waits for us with a live call."""
        try:
            dialog = Dialog(self, prm.callId, self._endpoint, address_of(prm.rdata.srcAddress))
        except Exception:
            log.exception("a fork could not be taken")  # the library answers 500, and would say nothing
            raise
        self._endpoint.dialogs[dialog.number] = dialog
        try:
            raw = prm.rdata.wholeMsg.encode("utf-8", "surrogateescape")
            if self._turned_away(dialog, prm.rdata.srcAddress, raw):
                return
            offer = invite.read(
                raw, self._endpoint.rules, self._endpoint.settings.plain_role, words=self._endpoint.words
            )
            dialog.answer(offer, self._naming(raw, offer))
        except Exception:
            log.exception("a fork could not be answered")
            dialog.refuse(Refusal.FAILED)

    def _turned_away(self, dialog: Dialog, source: str, raw: bytes) -> bool:
        """Whether the fork was refused for the sake of who sent it. `source`: address and port."""
        endpoint, now = self._endpoint, time.monotonic()
        refusal, stale = self._judged(dialog.peer, source, raw, now)
        if refusal is None:
            return False
        challenges = endpoint.digest.challenges(dialog.peer, now, stale) if endpoint.digest else []
        if refusal is not Refusal.CHALLENGED:
            endpoint.peers.refused(dialog.peer, refusal)
        dialog.refuse(refusal, *(("WWW-Authenticate", each) for each in challenges if refusal.status == 401))
        return True

    def _judged(self, peer: str, source: str, raw: bytes, now: float) -> tuple[Refusal | None, bool]:
        """Why, and whether the credentials were but too old. A challenge takes nothing of what the peer may do."""
        endpoint, verdict = self._endpoint, Verdict.ACCEPTED
        if not endpoint.peers.admits(peer, endpoint.connections.names(source) if self._tls else NO_NAMES):
            return Refusal.FORBIDDEN, False
        if endpoint.digest:
            authorizations = multipart.read_head(raw).headers.get("authorization", [])
            verdict = endpoint.digest.judge(authorizations, "INVITE", peer, now)
        if verdict in (Verdict.MISSING, Verdict.STALE):
            return Refusal.CHALLENGED, verdict is Verdict.STALE
        if endpoint.peers.hurries(peer, now):
            return Refusal.RATE, False
        return (Refusal.CREDENTIALS if verdict is Verdict.WRONG else None), False

    def _naming(self, raw: bytes, offer: Invite) -> Naming:
        """What a plain fork says of itself; nothing for one with metadata, which says it better."""
        if offer.metadata_fault != "none":
            return Naming()
        settings = self._endpoint.settings
        naming = joining.read(raw, settings.join_header, settings.role_header, self._endpoint.words)
        if len(offer.legs) > 1:  # one word cannot tell several streams apart
            return replace(naming, role=None)
        return replace(naming, role=naming.role or settings.plain_role)


def configured(settings: BridgeSettings, transport: int | None = None) -> Any:
    """An account's configuration. `transport`: the only one that it hears, as the library numbers them."""
    config = pj.AccountConfig()
    if transport is not None:
        config.sipConfig.transportId = transport
        config.priority = 1  # it is asked first; on other transports the other account fits better
    host = settings.public_address or settings.host
    config.idUri = f"sip:callvane@{f'[{host}]' if ':' in host else host}"
    config.regConfig.registerOnAdd = False
    config.sipConfig.contactParams = ";+sip.srs"
    config.callConfig.siprecUse = pj.PJSUA_SIP_SIPREC_OPTIONAL
    config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_OPTIONAL
    config.callConfig.timerMinSESec = settings.session_minimum_seconds
    config.callConfig.timerSessExpiresSec = settings.session_expires_seconds
    config.mediaConfig.transportConfig = transports.address(settings)
    config.mediaConfig.transportConfig.port = settings.rtp_port_min
    config.mediaConfig.transportConfig.portRange = settings.rtp_port_max - settings.rtp_port_min
    config.mediaConfig.lockCodecEnabled = False  # it would send re-INVITEs, which recorders handle badly
    config.mediaConfig.streamKaEnabled = False
    config.mediaConfig.srtpUse = SRTP[settings.srtp]
    config.mediaConfig.srtpSecureSignaling = 0  # keys over an unencrypted dialog are the operator's business
    return config
