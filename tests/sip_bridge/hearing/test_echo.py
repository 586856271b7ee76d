"""The words of one leg that come back on another."""

from __future__ import annotations

import asyncio
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbus import CallClosed, CallOpened, Role, Utterance
from sip_bridge.hearing.echo import EARLIEST_FRAMES, LATEST_FRAMES, Lately, Samples, is_echo, samples_of
from sip_bridge.hearing.heard_call import ECHOES, Call
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.segmenter import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE_HZ, Segment
from testcall import scenario, ulaw
from testcall.metadata import CallFacts, Party
from tests.sip_bridge.hearing.test_heard_call import BEGUN, leg
from tests.sip_bridge.recording import ANNA, recording
from tests.sip_bridge.running import bridge

SCENARIO = "turns_angry"
BLOCK = 5 * FRAME_BYTES
seeds = st.integers(0, 2**32 - 1)


@cache
def spoken(party: Party) -> Samples:
    """All that a party of the scenario says, one sentence after the other."""
    samples = line(party)
    turns = [each for each in scenario.load_manifest().scenarios[SCENARIO].turns if each.party == party]
    pieces = [samples[round(each.start_seconds * 8_000) : round(each.end_seconds * 8_000)] for each in turns]
    return np.concatenate(pieces)


@cache
def line(party: Party) -> Samples:
    """A party's line throughout the scenario."""
    return samples_of(ulaw.decode(b"".join(scenario.load(SCENARIO).payloads(party))).tobytes())


def over_the_line(samples: Samples) -> Samples:
    """As a µ-law line carries it."""
    clipped = np.clip(samples * 32_767, -32_768, 32_767).astype(np.int16)
    return samples_of(ulaw.decode(ulaw.encode(clipped)).tobytes())


def returned(original: Samples, dice: np.random.Generator, delay: int, level_db: float) -> Samples:
    """An echo of this delay (samples) and level, from a room of up to 50 ms, with a hum of noise."""
    room = dice.normal(0, 1, dice.integers(40, 400)).astype(np.float32)
    room *= np.exp(-np.arange(len(room)) / (len(room) / 4)).astype(np.float32)
    heard = np.roll(np.convolve(original, room / np.sqrt((room**2).sum()))[: len(original)], delay)
    noise = dice.normal(0, 0.0005, len(heard)).astype(np.float32)
    return over_the_line((heard * 10 ** (level_db / 20) + noise).astype(np.float32))


def stretch(dice: np.random.Generator, of: Samples, seconds: float) -> tuple[Samples, slice]:
    """Sound around a stretch of speech, and where in it the stretch is."""
    before, after, length = LATEST_FRAMES * FRAME_SAMPLES, EARLIEST_FRAMES * FRAME_SAMPLES, round(seconds * 8_000)
    start = int(dice.integers(0, len(of) - before - length - after))
    return of[start : start + before + length + after], slice(before, before + length)


def test_what_comes_back_is_an_echo() -> None:
    """Up to 0.4 s late, 10 to 26 dB quieter, coloured by a room, through a µ-law line: 9 of 10 at least."""
    found = 0
    for seed in range(100):
        dice = np.random.default_rng(seed)
        other, at = stretch(dice, spoken("agent"), dice.uniform(1.5, 6))
        found += is_echo(returned(other, dice, int(dice.integers(160, 3_200)), dice.uniform(-26, -10))[at], other)
    assert found >= 90


@given(seeds, st.floats(0.3, 6), st.floats(-30, 0))
def test_two_people_who_talk_at_once_are_no_echo(seed: int, seconds: float, level_db: float) -> None:
    """However much quieter one of them is."""
    dice = np.random.default_rng(seed)
    other, at = stretch(dice, spoken("agent"), seconds)
    own, _ = stretch(dice, spoken("customer"), seconds)
    assert not is_echo(over_the_line(own * np.float32(10 ** (level_db / 20)))[at], other)


@pytest.mark.parametrize("level_db", [3, 0, -3])
@pytest.mark.parametrize("meanwhile", [True, False])
def test_what_is_said_meanwhile_or_right_after_is_not_lost(level_db: float, meanwhile: bool) -> None:
    """0.6 s of somebody's own speech in an echo, or in its last silence, is told with it: 18 of 20 at least, if it is
    as loud as the echo; 15 if it is 3 dB quieter."""
    kept = 0
    for seed in range(20):
        dice = np.random.default_rng(seed)
        other, at = stretch(dice, spoken("agent"), dice.uniform(2, 5))
        other, length = other.copy(), round(0.6 * 8_000)
        start = at.stop - length if not meanwhile else int(dice.integers(at.start, at.stop - length))
        if not meanwhile:
            other[start - 2_400 :] = 0  # a pause of 0.3 s, of which the delay takes 0.1
        heard = returned(other, dice, 800, dice.uniform(-26, -12)).copy()
        words = spoken("customer")[: 30 * length].reshape(-1, length)
        word = words[int(dice.integers(len(words)))]
        heard[start : start + length] += word * np.float32(10 ** (level_db / 20) * loudest(heard[at]) / loudest(word))
        kept += not is_echo(heard[at], other)
    assert kept >= (18 if level_db >= 0 else 15)


def loudest(samples: Samples) -> float:
    """Root mean square of its loudest tenth of a second."""
    return float(np.sqrt(max((samples[at : at + 800] ** 2).mean() for at in range(0, len(samples) - 800, 200))))


@pytest.mark.parametrize("gain_db", [7, 9, 15])
@pytest.mark.parametrize("delay", [0, 160, 320, 640])
def test_the_original_is_no_echo(gain_db: float, delay: int) -> None:
    """A customer whom the agent's leg carries too, louder, is heard: at once, as in a mix, or later, by a headset."""
    for seed in range(20):
        dice = np.random.default_rng(seed)
        heard, at = stretch(dice, spoken("customer") * np.float32(0.2), dice.uniform(1, 5))
        louder = np.roll(heard, delay) * np.float32(10 ** (gain_db / 20))
        assert not is_echo(heard[at], louder + stretch(dice, spoken("agent"), 5)[0][: len(heard)] * np.float32(0.01))


def test_silence_and_clicks_are_no_echoes() -> None:
    """Nothing to compare, or too little."""
    silence = np.zeros((LATEST_FRAMES + 100 + EARLIEST_FRAMES) * FRAME_SAMPLES, np.float32)
    at = slice(LATEST_FRAMES * FRAME_SAMPLES, (LATEST_FRAMES + 100) * FRAME_SAMPLES)
    assert not is_echo(silence[at], silence)
    assert not is_echo(spoken("agent")[:0], silence)
    assert not is_echo(spoken("agent")[:160], spoken("agent")[:5_000])


def segment(start_frame: int, frames: int, value: int) -> Segment:
    """One whose samples are all the same."""
    return Segment(start_frame, np.full(frames * FRAME_SAMPLES, value, np.int16).tobytes(), frames, 0.0)


def test_the_latest_speech_lies_where_it_was_said() -> None:
    """Segments, the gap between them, what goes on; the earliest is forgotten."""
    lately = Lately()
    for start, value in ((0, 1), (500, 2), (900, 3)):
        lately.add(segment(start, 250, value))
    found = lately.between(0, 1_250, (1_200, segment(1_200, 10, 4).pcm)) * 32_768
    per_frame = found.reshape(-1, FRAME_SAMPLES).mean(1)
    edges = {0: 0, 499: 0, 500: 2, 749: 2, 750: 0, 900: 3, 1_149: 3, 1_150: 0, 1_200: 4, 1_209: 4, 1_210: 0}
    assert {frame: per_frame[frame] for frame in edges} == edges


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 700)), max_size=20))
def test_little_is_kept(pieces: list[tuple[int, int]]) -> None:
    """Ten seconds of what a leg said, however its speech is cut."""
    lately, position = Lately(), 0
    for pause, frames in pieces:
        lately.add(segment(position + pause, frames, 1))
        position += pause + frames
    assert np.count_nonzero(lately.between(0, position, (0, b""))) <= 500 * FRAME_SAMPLES


def heard(agent: Samples, customer: Samples) -> list[Utterance]:
    """The utterances of a call in which the parties' lines sound so."""
    legs = [leg("1", Role.AGENT), leg("2", Role.CUSTOMER)]
    call = Call("c", "bridge", legs, BEGUN)
    tracks = [(samples * 32_767).astype(np.int16).tobytes() for samples in (agent, customer)]
    said: list[Utterance] = []
    for start in range(0, len(tracks[0]), BLOCK):
        for each, track in zip(legs, tracks, strict=True):
            each.ring.inlet.put(
                track[start : start + BLOCK].ljust(BLOCK, b"\0"), BEGUN + start / 2 / SAMPLE_RATE_HZ + 0.1
            )
            said += call.said(each, each.segments())
    said += [each for each in call.closed("bye", BEGUN + 99) if isinstance(each, Utterance)]
    return said


def test_a_call_does_not_tell_echoes() -> None:
    """The customer's leg carries the agent's words as well: only what the customer says is told, numbered on."""
    before = ECHOES.labels("customer")._value.get()
    agent, customer = line("agent"), line("customer")
    without = heard(agent, customer)
    told = heard(agent, customer + returned(agent, np.random.default_rng(1), 960, -20))
    assert [each.sequence for each in told] == list(range(len(told)))
    agents, customers = ([each for each in told if each.role is role] for role in (Role.AGENT, Role.CUSTOMER))
    assert len(agents) == len([each for each in without if each.role is Role.AGENT])
    turns = [each for each in scenario.load_manifest().scenarios[SCENARIO].turns if each.party == "customer"]
    for utterance in customers:
        assert any(t.start_seconds < utterance.end_seconds and utterance.start_seconds < t.end_seconds for t in turns)
    for turn in turns:
        assert any(
            each.start_seconds < turn.end_seconds and turn.start_seconds < each.end_seconds for each in customers
        )
    assert ECHOES.labels("customer")._value.get() > before


def test_an_echo_is_not_told_ahead() -> None:
    """Nor is the utterance that it would become."""
    legs = [leg("1", Role.AGENT), leg("2", Role.CUSTOMER)]
    call = Call("c", "bridge", legs, BEGUN)
    other = spoken("agent")[: 3 * 8_000]
    echo = returned(other, np.random.default_rng(1), 800, -20)
    pieces = [Segment(0, (each * 32_767).astype(np.int16).tobytes(), 150, BEGUN) for each in (other, echo)]
    assert [each.sequence for each in call.said(legs[0], [pieces[0]])] == [0]
    legs[0]._kept([pieces[0]])
    assert call.foretold(legs[1], pieces[1]) is None
    assert not list(call.said(legs[1], [pieces[1]]))


async def test_an_echo_of_the_agent_is_not_the_customers_words(redis_url: str) -> None:
    """Through a real bridge, over RTP: the utterances of the call are the agent's alone."""
    payloads = scenario.load(SCENARIO).payloads("agent")[: 16 * 50]
    echo = returned(line("agent")[: len(payloads) * 160], np.random.default_rng(1), 960, -20)
    coded = ulaw.encode((echo * 32_767).astype(np.int16))
    echoed = [bytes(coded[at : at + 160]) for at in range(0, len(coded), 160)]
    facts = CallFacts(agent_name="Anna", agent_aor=ANNA)
    with bridge(redis_url) as running:
        async with recording(running, facts=facts) as recorder:
            voices = {"agent": payloads, "customer": echoed}
            await recorder.play({line: voices[line.voice] for line in recorder.lines})
        events = await asyncio.to_thread(running.closed, facts.session_id)
        assert running.metric('callvane_echoes_total{role="customer"}') > 0
    assert {type(each) for each in events} == {CallOpened, Utterance, CallClosed}
    assert {each.role for each in events if isinstance(each, Utterance)} == {Role.AGENT}


def test_legs_keep_their_latest_speech() -> None:
    """What a leg has heard so far, cut or not, is what others are compared with."""
    made: Leg = leg("1", Role.AGENT)
    track = (spoken("agent")[:16_000] * 32_767).astype(np.int16).tobytes()
    for start in range(0, len(track), BLOCK):
        made.ring.inlet.put(track[start : start + BLOCK], BEGUN + start / 2 / SAMPLE_RATE_HZ + 0.1)
        made.segments()
    assert np.count_nonzero(made.lately(0, 100)) > 8_000
