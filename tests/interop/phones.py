"""Two telephones that register at a PBX and talk to each other, each saying what its WAV file says.

A program of its own: `python phones.py PBX CALLER=WAV CALLED=WAV`. Ends with 0 when both have said everything.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pjsua2 as pj

REGISTRATION_SECONDS = 15.0
ANSWER_SECONDS = 20.0
SILENCE_AFTER_SECONDS = 1.0


class Phone(pj.Account):  # type: ignore[misc] # pjsua2 ships no types
    """One extension; answers what rings."""

    def __init__(self, pbx: str, extension: str, audio: str) -> None:
        super().__init__()
        self.registered = False
        self.call: Talk | None = None
        self.player = pj.AudioMediaPlayer()
        self._audio = audio
        config = pj.AccountConfig()
        config.idUri = f"sip:{extension}@{pbx}"
        config.regConfig.registrarUri = f"sip:{pbx}"
        config.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
        self.create(config)

    def onRegState(self, prm: Any) -> None:
        """The registrar has answered."""
        self.registered = prm.code == 200

    def onIncomingCall(self, prm: Any) -> None:
        """It rings: answer."""
        self.call = Talk(self, prm.callId)
        parameters = pj.CallOpParam()
        parameters.statusCode = 200
        self.call.answer(parameters)

    def dial(self, uri: str) -> None:
        """Call somebody."""
        self.call = Talk(self)
        self.call.makeCall(uri, pj.CallOpParam(True))

    def speak(self) -> None:
        """Say it, once."""
        assert self.call is not None
        self.player.createPlayer(self._audio, pj.PJMEDIA_FILE_NO_LOOP)
        self.player.startTransmit(self.call.getAudioMedia(-1))


class Talk(pj.Call):  # type: ignore[misc]
    """A phone's side of the call."""

    up = over = False

    def onCallState(self, prm: Any) -> None:
        """Connected, or ended."""
        state = self.getInfo().state
        self.up = state == pj.PJSIP_INV_STATE_CONFIRMED
        self.over = state == pj.PJSIP_INV_STATE_DISCONNECTED


def main(pbx: str, calling: str, called: str) -> None:
    """Register both, call, talk, hang up."""
    library = pj.Endpoint()
    library.libCreate()
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.logConfig.level, config.logConfig.consoleLevel = 2, 2
    config.medConfig.clockRate = config.medConfig.sndClockRate = 8_000
    config.medConfig.noVad, config.medConfig.ecTailLen = True, 0
    library.libInit(config)
    transport = pj.TransportConfig()
    transport.boundAddress = "127.0.0.1"
    library.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    library.libStart()
    library.audDevManager().setNullDev()

    def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            library.libHandleEvents(10)
            if time.monotonic() > deadline:
                sys.exit(f"phones: {what} took more than {seconds:.0f} s")

    phones = [Phone(pbx, *each.split("=", 1)) for each in (calling, called)]
    until(lambda: all(phone.registered for phone in phones), REGISTRATION_SECONDS, "registering")
    caller = phones[0]
    caller.dial(f"sip:{called.partition('=')[0]}@{pbx}")
    until(lambda: all(phone.call and phone.call.up for phone in phones), ANSWER_SECONDS, "being connected")
    for phone in phones:
        phone.speak()
    print("talking", flush=True)
    said_at = time.monotonic() + max(phone.player.getInfo().sizeSamples for phone in phones) / 8_000
    until(lambda: time.monotonic() > said_at + SILENCE_AFTER_SECONDS, float("inf"), "talking")
    if any(phone.call is None or phone.call.over for phone in phones):
        sys.exit("phones: the call ended before all was said")
    assert caller.call is not None
    caller.call.hangup(pj.CallOpParam())
    until(lambda: all(phone.call and phone.call.over for phone in phones), 5, "hanging up")
    library.libDestroy()


if __name__ == "__main__":
    main(*sys.argv[1:])
