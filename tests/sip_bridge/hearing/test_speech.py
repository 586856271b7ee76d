"""Speech is found on the way from packets to stretches exactly as webrtcvad and the segmenter find it by themselves."""

from __future__ import annotations

from functools import cache
from itertools import cycle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from webrtcvad import _webrtcvad

from callbus import Role
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.ring import Rings
from sip_bridge.hearing.segmenter import FRAME_BYTES, FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE_HZ, Segment, Segmenter
from sip_bridge.settings import BridgeSettings
from testcall import scenario, ulaw
from testcall.metadata import Party

SPEECH = BridgeSettings().speech
SHIPPED = BridgeSettings().vad_aggressiveness
BEGUN = 1_000.0
RANDOM = np.random.default_rng(1)


@cache
def audio(name: str, party: Party) -> bytes:
    """A party's µ-law, whole frames."""
    return b"".join(scenario.load(name).payloads(party))


def flags_of(pcm: bytes, aggressiveness: int) -> list[int]:
    """What webrtcvad itself says of each frame; digital silence is not shown to it."""
    engine = _webrtcvad.create()
    _webrtcvad.init(engine)
    _webrtcvad.set_mode(engine, aggressiveness)
    frames = [pcm[place : place + FRAME_BYTES] for place in range(0, len(pcm), FRAME_BYTES)]
    return [
        int(_webrtcvad.process(engine, SAMPLE_RATE_HZ, frame, FRAME_SAMPLES)) if any(frame) else 0 for frame in frames
    ]


@cache
def wanted(spoken: bytes, aggressiveness: int) -> tuple[list[int], list[Segment]]:
    """Flags, and segments that the segmenter alone cuts, frame by frame."""
    pcm = ulaw.decode(spoken).astype("<i2").tobytes()
    flags, segmenter, found = flags_of(pcm, aggressiveness), Segmenter(SPEECH), list[Segment]()
    for number, flag in enumerate(flags):
        frame = pcm[number * FRAME_BYTES : (number + 1) * FRAME_BYTES]
        found += segmenter.push(frame, [flag], BEGUN + (number + 1) * FRAME_SECONDS)
    return flags, found + segmenter.flush()


def heard(spoken: bytes, aggressiveness: int, sizes: tuple[int, ...] = (160,)) -> tuple[list[int], list[Segment]]:
    """The same of a leg to which the audio comes in packets of these sizes, in turn, each when it was spoken."""
    now = BEGUN
    leg, rings = Leg("1", Role.CUSTOMER, "", SPEECH, aggressiveness), Rings(lambda: now)
    leg.start_at(0, now)
    rings.add(leg.ring)
    flags, segments, place = [0] * (len(spoken) // FRAME_SAMPLES), list[Segment](), 0
    for number, size in enumerate(cycle(sizes)):
        payload = spoken[place : place + size]
        if not payload:
            break
        now = BEGUN + (place + len(payload)) / SAMPLE_RATE_HZ
        leg.ring.inlet.receive(0, number & 0xFFFF, place, 7, payload, now)
        for entry in rings.take():
            flags[entry.start_frame : entry.start_frame + len(entry.flags)] = entry.flags
            segments += leg.hear(entry)
        place += size
    for entry in leg.ring.take():
        flags[entry.start_frame : entry.start_frame + len(entry.flags)] = entry.flags
        segments += leg.hear(entry)
    return flags, segments + leg.flush()


def told(segments: list[Segment]) -> list[tuple[int, int, int, float, bytes]]:
    """All that a segment says; its end to the millisecond."""
    return [(each.start_frame, each.frames, each.voiced_frames, round(each.ended_at, 3), each.pcm) for each in segments]


@pytest.mark.parametrize("aggressiveness", range(4))
@pytest.mark.parametrize("party", ["customer", "agent"])
@pytest.mark.parametrize("name", scenario.names())
def test_speech_is_what_webrtcvad_says(name: str, party: Party, aggressiveness: int) -> None:
    """Every frame's flag and every segment of every scenario are equal, bit by bit."""
    flags, segments = wanted(audio(name, party), aggressiveness)
    found_flags, found_segments = heard(audio(name, party), aggressiveness)
    assert found_flags == flags
    assert told(found_segments) == told(segments)
    assert len(segments) > 3


@settings(max_examples=40)
@given(
    sizes=st.lists(st.sampled_from([80, 160, 240, 320, 480]), min_size=1, max_size=12).map(tuple),
    name=st.sampled_from(scenario.names()),
    begin=st.sampled_from([0, 40, 700]),
    aggressiveness=st.integers(0, 3),
)
def test_how_audio_is_packed_changes_nothing(
    sizes: tuple[int, ...], name: str, begin: int, aggressiveness: int
) -> None:
    """Packets of 10 to 60 ms, mixed at will, are heard as one stream."""
    spoken = audio(name, "agent")[begin * FRAME_SAMPLES : (begin + 600) * FRAME_SAMPLES]
    flags, segments = wanted(spoken, aggressiveness)
    found_flags, found_segments = heard(spoken, aggressiveness, sizes)
    assert found_flags == flags
    assert told(found_segments) == told(segments)


@pytest.mark.parametrize("level", [0, 3, 30, 100])
def test_silence_and_line_noise_are_no_speech(level: float) -> None:
    """Digital silence and the hiss of a line hold hardly a voiced frame."""
    noise = (RANDOM.standard_normal(250 * FRAME_SAMPLES) * level).astype(np.int16)
    flags, _ = heard(ulaw.encode(noise), SHIPPED)
    assert len(flags) == 250
    assert sum(flags[25:]) < 10  # it takes half a second to know the noise


def test_speech_is_found_where_it_is() -> None:
    """In a scenario's audio, frames within turns are voiced and those between them are not."""
    flags, _ = heard(audio("turns_angry", "customer"), SHIPPED)
    inside = np.zeros(len(flags), bool)
    for turn in scenario.load_manifest().scenarios["turns_angry"].turns:
        if turn.party == "customer":
            inside[round(turn.start_seconds * 50) : round(turn.end_seconds * 50) + 15] = True
    voiced = np.array(flags)
    assert voiced[inside].mean() > 0.6
    assert voiced[~inside].mean() < 0.03
