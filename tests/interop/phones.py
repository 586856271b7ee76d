"""Telephones that register at a PBX and talk to each other, each saying what its WAV file says.

A program of its own; see --help. Ends with 0 when all has been said and the call was up until then.
"""

from __future__ import annotations

import argparse
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


def main() -> None:
    """Register all, call, talk, hang up."""
    parser = argparse.ArgumentParser(description="Two telephones that talk; a third that the call is transferred to.")
    parser.add_argument("pbx", metavar="HOST:PORT")
    parser.add_argument("phones", nargs="+", metavar="EXTENSION=WAV", help="the caller, the called, the third")
    parser.add_argument("--dial", help="what the caller dials; else the called one's extension")
    parser.add_argument("--seconds", type=float, help="how long they talk; else until the longest file's end")
    parser.add_argument("--transfer-after", type=float, help="seconds after which the called one transfers the call")
    options = parser.parse_args()
    pbx, extensions = options.pbx, [each.partition("=")[0] for each in options.phones]
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

    phones = [Phone(pbx, *each.split("=", 1)) for each in options.phones]
    until(lambda: all(phone.registered for phone in phones), REGISTRATION_SECONDS, "registering")
    caller, called = phones[:2]
    caller.dial(f"sip:{options.dial or extensions[1]}@{pbx}")
    until(lambda: all(phone.call and phone.call.up for phone in (caller, called)), ANSWER_SECONDS, "being connected")
    begun = time.monotonic()
    for phone in (caller, called):
        phone.speak()
    print("talking", flush=True)
    talking = [caller, called]
    if options.transfer_after:
        third = phones[2]
        until(lambda: time.monotonic() > begun + options.transfer_after, float("inf"), "talking")
        assert called.call is not None
        called.call.xfer(f"sip:{extensions[2]}@{pbx}", pj.CallOpParam())
        until(lambda: bool(third.call and third.call.up), ANSWER_SECONDS, "being transferred")
        third.speak()
        talking = [caller, third]
    longest = max(phone.player.getInfo().sizeSamples for phone in (caller, called)) / 8_000
    ends_at = begun + (options.seconds or longest + SILENCE_AFTER_SECONDS)
    until(lambda: time.monotonic() > ends_at, float("inf"), "talking")
    if any(phone.call is None or phone.call.over for phone in talking):
        sys.exit("phones: the call ended before all was said")
    assert caller.call is not None
    caller.call.hangup(pj.CallOpParam())
    until(lambda: all(phone.call and phone.call.over for phone in talking), 5, "hanging up")
    library.libDestroy()


if __name__ == "__main__":
    main()
