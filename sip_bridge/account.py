"""The account that all forks come to: who is let in, what an INVITE says. One of the files that know pjsua2."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from sip_bridge import invite, joining, transports
from sip_bridge.dialog import Dialog
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
    """There is one in a process."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self._endpoint = endpoint

    def onIncomingCall(self, prm: Any) -> None:
        """An INVITE: answer or refuse it at once, so that no PBX waits for us with a live call."""
        dialog = Dialog(self, prm.callId, self._endpoint, address_of(prm.rdata.srcAddress))
        self._endpoint.dialogs[dialog.number] = dialog
        if refusal := self._endpoint.peers.judge(dialog.peer, time.monotonic()):
            dialog.refuse(refusal)
            return
        try:
            raw = prm.rdata.wholeMsg.encode("utf-8", "surrogateescape")
            offer = invite.read(
                raw, self._endpoint.rules, self._endpoint.settings.plain_role, words=self._endpoint.words
            )
            dialog.answer(offer, self._naming(raw, offer))
        except Exception:
            log.exception("a fork could not be answered")
            dialog.refuse(Refusal.FAILED)

    def _naming(self, raw: bytes, offer: Invite) -> Naming:
        """What a plain fork says of itself; nothing for one with metadata, which says it better."""
        if offer.metadata_fault != "none":
            return Naming()
        settings = self._endpoint.settings
        naming = joining.read(raw, settings.join_header, settings.role_header, self._endpoint.words)
        if len(offer.legs) > 1:  # one word cannot tell several streams apart
            return replace(naming, role=None)
        return replace(naming, role=naming.role or settings.plain_role)


def configured(settings: BridgeSettings) -> Any:
    """The account's configuration."""
    config = pj.AccountConfig()
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
