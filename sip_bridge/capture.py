"""Where a stream's decoded audio comes out of the library. One of the files that know pjsua2.

Its callback runs on the clock thread of the library's conference bridge and under its locks.
"""

from __future__ import annotations

import time
from typing import Any

import pjsua2 as pj

from sip_bridge.leg import Leg

BLOCK_MICROSECONDS = 100_000
"""Ten callbacks a second and leg instead of fifty: each costs a hold of the GIL."""


class CapturePort(pj.AudioMediaPort):  # type: ignore[misc] # pjsua2 ships no types
    """A port into one leg, 100 ms at a time."""

    def __init__(self, leg: Leg) -> None:
        super().__init__()
        self.leg = leg
        self._take = leg.take
        form = pj.MediaFormatAudio()
        form.init(pj.PJMEDIA_FORMAT_PCM, 8_000, 1, BLOCK_MICROSECONDS, 16)
        self.createPort("leg", form)

    def onFrameReceived(self, frame: Any) -> None:
        """A block, on the clock thread: copy, enqueue, return."""
        block = bytearray(frame.size)
        if block:
            frame.buf.copy_to_bytearray(block)
        self._take(block, time.time())

    def close(self) -> None:
        """Take the port out of the library, waiting for a callback under way; none follows.

        Not left to Python's collector: a callback that starts while it runs would find no object.
        """
        type(self).__swig_destroy__(self)
