"""The bridge's baseline: pjsua2 holding the same calls, with no Python touching their audio.

Answers like the bridge (two received streams, same sample rate and frame time) and connects each stream to the null
sound device, as a user agent that plays them would.
"""

from __future__ import annotations

import signal
import sys
from typing import Any

import pjsua2 as pj

MAX_CALLS = 1_000


class Call(pj.Call):  # type: ignore[misc] # pjsua2 ships no types
    """One answered fork."""

    def onCallMediaState(self, prm: Any) -> None:
        """Play every received stream."""
        sink = pj.Endpoint.instance().audDevManager().getPlaybackDevMedia()
        info = self.getInfo()
        for place, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.dir & pj.PJMEDIA_DIR_DECODING:
                self.getAudioMedia(place).startTransmit(sink)

    def onCallState(self, prm: Any) -> None:
        """Release the call when it has ended."""
        if self.getInfo().state == pj.PJSIP_INV_STATE_DISCONNECTED:
            calls.pop(self.getId(), None)


class Account(pj.Account):  # type: ignore[misc]
    """Accepts every call."""

    def onIncomingCall(self, prm: Any) -> None:
        """Answer with two streams."""
        call = calls[prm.callId] = Call(self, prm.callId)
        parameters = pj.CallOpParam(True)
        parameters.statusCode = pj.PJSIP_SC_OK
        parameters.opt.audioCount, parameters.opt.videoCount = 2, 0
        call.answer(parameters)


calls: dict[int, Call] = {}


def main() -> None:
    """Hold calls on the given port until SIGTERM."""
    port = int(sys.argv[1])
    config = pj.EpConfig()
    config.uaConfig.threadCnt, config.uaConfig.maxCalls = 0, MAX_CALLS
    config.logConfig.level = config.logConfig.consoleLevel = 1
    media = config.medConfig
    media.clockRate = media.sndClockRate = 8_000
    media.channelCount, media.audioFramePtime, media.ptime = 1, 20, 20
    media.maxMediaPorts, media.threadCnt = 2 * MAX_CALLS + 16, 1
    media.ecTailLen, media.noVad, media.sndAutoCloseTime = 0, True, -1
    media.jbDiscardAlgo = pj.PJMEDIA_JB_DISCARD_NONE
    library = pj.Endpoint()
    library.libCreate()
    library.libInit(config)
    for kind in (pj.PJSIP_TRANSPORT_TCP, pj.PJSIP_TRANSPORT_UDP):
        transport = pj.TransportConfig()
        transport.boundAddress, transport.port = "127.0.0.1", port
        library.transportCreate(kind, transport)
    library.libStart()
    library.audDevManager().setNullDev()
    account = Account()
    settings = pj.AccountConfig()
    settings.idUri = "sip:bare@127.0.0.1"
    settings.regConfig.registerOnAdd = False
    settings.callConfig.siprecUse = pj.PJSUA_SIP_SIPREC_OPTIONAL
    settings.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
    settings.mediaConfig.transportConfig.port = 16_384
    settings.mediaConfig.transportConfig.portRange = 16_000
    account.create(settings)
    running = True

    def stop(*_: object) -> None:
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, stop)
    print("ready", flush=True)
    while running:
        library.libHandleEvents(20)
    library.hangupAllCalls()
    library.libDestroy()


if __name__ == "__main__":
    main()
