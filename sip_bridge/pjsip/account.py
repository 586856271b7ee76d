"""The account that receives all forks. One of the files that use pjsua2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pjsua2 as pj

from sip_bridge.admission.peers import address_of
from sip_bridge.admission.refusal import Refusal
from sip_bridge.pjsip import transports
from sip_bridge.pjsip.callback import guarded
from sip_bridge.pjsip.context import DialogContext
from sip_bridge.pjsip.dialog import Dialog
from sip_bridge.settings import BridgeSettings

SRTP = {"off": pj.PJMEDIA_SRTP_DISABLED, "optional": pj.PJMEDIA_SRTP_OPTIONAL, "required": pj.PJMEDIA_SRTP_MANDATORY}


class Account(pj.Account):  # type: ignore[misc] # pjsua2 ships no types
    """One account for UDP and TCP, and one per TLS transport, because their Contact differs."""

    def __init__(self, context: DialogContext, hold: Callable[[Dialog], None]) -> None:
        """`hold` keeps a reference to a new dialog until it is forgotten."""
        super().__init__()
        self._context = context
        self._hold = hold

    @guarded
    def onIncomingCall(self, prm: Any) -> None:
        """Answer an admitted INVITE at once, so that no PBX waits for us during a live call."""
        # If this raises, the library answers 500, and the endpoint gives the fork's place back.
        dialog = Dialog(self, prm.callId, self._context, address_of(prm.rdata.srcAddress))
        self._hold(dialog)
        try:
            self._answer(dialog)
        except Exception:
            dialog.refuse(Refusal.FAILED)
            raise

    def _answer(self, dialog: Dialog) -> None:
        """Answer the fork that was admitted last."""
        if admitted := self._context.admission.entered():
            dialog.place = admitted.place
            dialog.answer(admitted.fork.offer, admitted.fork.naming)
        else:
            dialog.refuse(Refusal.FAILED)


def configured(settings: BridgeSettings, transport: int | None = None) -> Any:
    """An account's configuration. `transport`: the library's number of the only transport to use; None for any."""
    config = pj.AccountConfig()
    if transport is not None:
        config.sipConfig.transportId = transport
        config.priority = 1  # checked first; on other transports the other account fits better
    host = settings.public_address or settings.host
    config.idUri = f"sip:callvane@{f'[{host}]' if ':' in host else host}"
    config.regConfig.registerOnAdd = False
    config.sipConfig.contactParams = ";+sip.srs"
    config.callConfig.siprecUse = pj.PJSUA_SIP_SIPREC_OPTIONAL
    config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_OPTIONAL
    config.callConfig.timerMinSESec = settings.session_minimum_seconds
    config.callConfig.timerSessExpiresSec = settings.session_expires_seconds
    config.mediaConfig = transports.media(settings)
    config.mediaConfig.lockCodecEnabled = False  # it would send re-INVITEs, which recorders handle badly
    config.mediaConfig.streamKaEnabled = False
    config.mediaConfig.srtpUse = SRTP[settings.srtp]
    config.mediaConfig.srtpSecureSignaling = 0  # the operator decides whether keys may travel in cleartext SIP
    return config
