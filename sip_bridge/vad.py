"""Tells speech from everything else, frame by frame: webrtcvad, wrapped once.

It costs about 2 µs a frame, so it runs on every frame of every leg; a better and slower detector would stand behind it.
The package's compiled part is called without its class, whose checks of each frame cost half a microsecond more.
"""

from __future__ import annotations

from webrtcvad import _webrtcvad

from sip_bridge.segmenter import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE_HZ


class VoiceActivity:
    """One leg's detector; it adapts to the leg's noise, so legs do not share one. Not thread-safe."""

    def __init__(self, aggressiveness: int) -> None:
        """`aggressiveness`: 0 (lets through) to 3 (cuts)."""
        self._vad = _webrtcvad.create()
        _webrtcvad.init(self._vad)
        _webrtcvad.set_mode(self._vad, aggressiveness)

    def flags(self, pcm: bytes) -> list[bool]:
        """Whether each 20 ms frame of `pcm` (16-bit mono at 8 kHz, whole frames) is voiced."""
        count = len(pcm) // FRAME_BYTES
        if not pcm.strip(b"\0"):  # nothing arrived, or digital silence: no speech in it, and nothing to adapt to
            return [False] * count
        process, vad = _webrtcvad.process, self._vad
        return [
            process(vad, SAMPLE_RATE_HZ, pcm[start : start + FRAME_BYTES], FRAME_SAMPLES)
            for start in range(0, count * FRAME_BYTES, FRAME_BYTES)
        ]
