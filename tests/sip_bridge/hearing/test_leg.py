"""A leg on the listener's side: what it loses when nobody listens, what a pause does, what it counts."""

from __future__ import annotations

import pytest

from callbus import Role
from sip_bridge.hearing import leg as leg_module
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.ring import Rings
from sip_bridge.hearing.segmenter import FRAME_SECONDS
from tests.sip_bridge.packets import BEGUN, LINE, SPEECH, WORDS, Packet, decoded, stream


def leg() -> Leg:
    """A leg with the shipped settings, whose time has begun."""
    made = Leg("1", Role.CUSTOMER, "", SPEECH, 2)
    made.start_at(0, BEGUN)
    return made


def receive(to: Leg, packets: list[Packet]) -> None:
    """Let packets come, each at its time."""
    for each in packets:
        to.ring.inlet.receive(each.type, each.number, each.timestamp, each.source, each.payload, BEGUN + each.at)


def test_speech_is_cut_in_its_place() -> None:
    """With the moment at which its last voiced frame was due; the seconds of speech are counted by role."""
    counter = leg_module.SPEECH_SECONDS.labels("customer")
    before, heard = counter._value.get(), leg()
    receive(heard, stream(LINE[:200]))
    assert heard.segments() == []
    receive(heard, stream(LINE)[200:])
    (segment,) = heard.segments()
    assert 40 < segment.start_frame <= WORDS.start
    assert segment.pcm[: 320 * 10] == b"".join(decoded(LINE[segment.start_frame + place]) for place in range(10))
    assert (
        BEGUN + WORDS.stop * FRAME_SECONDS <= segment.ended_at < BEGUN + (segment.start_frame + segment.frames) * 0.02
    )
    assert counter._value.get() - before == pytest.approx(segment.voiced_frames * FRAME_SECONDS)
    assert heard.sound.voiced_seconds >= segment.voiced_frames * FRAME_SECONDS


def test_what_a_full_ring_lost_keeps_the_time() -> None:
    """Past five seconds the oldest speech goes; what is left stands where it was said."""
    overflowing = leg()
    receive(overflowing, stream(LINE * 2))
    assert overflowing.ring.inlet.counts().dropped > 0
    found = [*overflowing.segments(), *overflowing.flush()]
    assert found
    for segment in found:
        said = [decoded((LINE * 2)[segment.start_frame + place]) for place in range(segment.frames)]
        assert segment.pcm == b"".join(said)
    assert overflowing.position_seconds >= 16


def test_a_pause_ends_what_was_being_said() -> None:
    """It is as long as it was; a pause within a pause changes nothing."""
    paused = leg()
    receive(paused, stream(LINE[:150]))
    paused.pause(BEGUN + 3)
    paused.pause(BEGUN + 4)
    (before,) = paused.segments()
    assert before.start_frame + before.frames == 150
    assert (paused.sound.paused, paused.changed_seconds) == (True, 3.0)
    paused.resume(BEGUN + 7)
    paused.resume(BEGUN + 8)
    assert paused.segments() == []
    assert (paused.sound.paused, paused.changed_seconds) == (False, 7.0)
    receive(paused, stream(LINE[150:], 7.0))
    (after,) = paused.segments()
    assert after.start_frame == 350
    assert after.ended_at == pytest.approx(BEGUN + 7 + (WORDS.stop - 150) * FRAME_SECONDS, abs=0.1)


def test_a_stall_ends_the_words_so_far() -> None:
    """They are a segment before anything else comes; the next one goes on in the next frame."""
    now = BEGUN
    heard, rings = leg(), Rings(lambda: now)
    rings.add(heard.ring)
    receive(heard, stream(LINE[:150]))
    found = []
    for seconds in range(2):
        for _ in range(5):  # a leg is looked at in every fifth round
            now = BEGUN + 3 + seconds
            found.append([segment for entry in rings.take() for segment in heard.hear(entry)])
    (first,) = [segment for each in found for segment in each]
    assert first.start_frame + first.frames == 150
    assert first.ended_at == pytest.approx(BEGUN + 3, abs=0.1)
    receive(heard, [each.later(2.0) for each in stream(LINE)[150:200]])
    assert heard.segments() == []
    (second,) = heard.flush()
    assert second.start_frame == 150


def test_a_change_of_role_takes_what_was_said_so_far() -> None:
    """What the ring holds in mid-speech is handed over, and nothing of it is lost or doubled."""
    heard = leg()
    receive(heard, stream(LINE[:120]))
    assert heard.segments() == []
    (first,) = heard.flush()
    receive(heard, stream(LINE)[120:])
    (second,) = heard.segments()
    assert first.start_frame + first.frames == second.start_frame == 120


def test_a_leg_that_begins_late_counts_from_there() -> None:
    """Its first segment stands at the call's time."""
    late = Leg("2", Role.AGENT, "", SPEECH, 2)
    late.start_at(60.0, BEGUN)
    assert late.position_seconds >= 60.0
    receive(late, stream(LINE[:200]))
    (segment,) = [*late.segments(), *late.flush()]
    assert 60.8 < segment.start_frame * FRAME_SECONDS <= 61.2
