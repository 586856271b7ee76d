"""Where a stream's decoded audio comes out of the library, into its leg's ring: in C, no Python runs for it.

One of the files that know pjsua2.
"""

from __future__ import annotations

import pjsua2 as pj

from sip_bridge.leg import Leg
from sip_bridge.ring import BLOCK_FRAMES
from sip_bridge.segmenter import FRAME_SECONDS, SAMPLE_RATE_HZ


class CapturePort(pj.AudioTap):  # type: ignore[misc] # pjsua2 ships no types
    """A port of the conference bridge that feeds one leg, a block at a time."""

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        form = pj.MediaFormatAudio()
        form.init(pj.PJMEDIA_FORMAT_PCM, SAMPLE_RATE_HZ, 1, round(BLOCK_FRAMES * FRAME_SECONDS * 1e6), 16)
        super().__init__(leg.ring.inlet, form)

    def close(self) -> None:
        """Take the port out of the library; nothing goes into the ring any more when this returns.

        Not left to Python's collector: the leg may be resumed, or over, before that runs.
        """
        type(self).__swig_destroy__(self)
