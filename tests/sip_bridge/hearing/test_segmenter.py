"""The segmenter as tables and properties: frames and flags in, segments out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip_bridge.hearing.segmenter import FRAME_BYTES, FRAME_SAMPLES, FRAME_SECONDS, Segment, Segmenter, SpeechLimits

LIMITS = SpeechLimits(pre_roll=3, hangover=5, tail=2, minimum=2, maximum=40)


def frame(number: int, level: int = 0) -> bytes:
    """A frame that can be told from others: its number in the first sample, a level in the rest."""
    return np.array([number, *[level] * (FRAME_SAMPLES - 1)], np.int16).tobytes()


def cut(
    speech: str, limits: SpeechLimits = LIMITS, block: int = 5, levels: dict[int, int] | None = None
) -> list[Segment]:
    """Segments of a line such as `..###..`, pushed `block` frames at a time, then flushed.

    Frame n arrives at 100 s + n · 0.02 s.
    """
    segmenter, found = Segmenter(limits), []
    for start in range(0, len(speech), block):
        part = speech[start : start + block]
        pcm = b"".join(frame(start + i, (levels or {}).get(start + i, 0)) for i in range(len(part)))
        found += segmenter.push(pcm, [c == "#" for c in part], 100 + (start + len(part) - 1) * FRAME_SECONDS)
    return found + segmenter.flush()


def span(segment: Segment) -> tuple[int, int]:
    """First frame and the one after the last."""
    return segment.start_frame, segment.start_frame + segment.frames


@pytest.mark.parametrize(
    ("speech", "spans"),
    [
        pytest.param("." * 30, [], id="silence"),
        pytest.param("....###..........", [(1, 9)], id="pre-roll and tail"),
        pytest.param("#####..........", [(0, 7)], id="speech from the first frame"),
        pytest.param(".....#..........", [], id="a click is dropped"),
        pytest.param(".....#..#.......", [(2, 11)], id="two voiced frames make the minimum"),
        pytest.param("....###....###..........", [(1, 16)], id="a pause below the hangover does not end it"),
        pytest.param("....###.....###..........", [(1, 9), (9, 17)], id="a pause of the hangover ends it"),
        pytest.param("....####", [(1, 8)], id="flushed in mid-speech"),
        pytest.param("....####.", [(1, 9)], id="flushed within the tail"),
    ],
)
@pytest.mark.parametrize("block", [1, 5, 7])
def test_where_speech_is_cut(speech: str, spans: list[tuple[int, int]], block: int) -> None:
    """Speech is cut at the same frames however many arrive at a time."""
    assert [span(segment) for segment in cut(speech, block=block)] == spans


def test_long_speech_is_split_after_its_quietest_frame() -> None:
    """Speech at its maximum length is split after the quietest moment of its second half, and goes on without a gap."""
    levels = dict.fromkeys(range(60), 1000) | {27: 10, 28: 0, 29: 10, 5: 0}
    first, second = cut("#" * 45 + "." * 15, levels=levels)
    assert (span(first), span(second)) == ((0, 29), (29, 47))


def test_the_rest_of_a_split_is_kept_however_short() -> None:
    """What follows a split is no click: one voiced frame of it is kept."""
    levels = dict.fromkeys(range(60), 1000) | {39: 0}
    first, second = cut("#" * 40 + ".#" + "." * 18, levels=levels)
    assert (span(first), span(second)) == ((0, 40), (40, 44))


def test_speech_ends_when_its_last_voiced_frame_arrived() -> None:
    """`ended_at` is the arrival of the last voiced frame, neither tail nor hangover included."""
    (segment,) = cut("....###..........", block=5)
    assert segment.ended_at == pytest.approx(100 + 6 * FRAME_SECONDS)


def test_a_gap_ends_speech_and_keeps_the_time() -> None:
    """Skipped frames count in call time, end what was being said, and lend no pre-roll to what follows."""
    segmenter = Segmenter(LIMITS)
    assert segmenter.push(frame(0) * 4, [True] * 4, 1.0) == []
    assert [span(segment) for segment in segmenter.skip(10)] == [(0, 4)]
    assert segmenter.push(frame(0) * 4, [False, True, True, True], 2.0) == []
    assert [span(segment) for segment in segmenter.flush()] == [(14, 18)]


def test_frames_and_flags_must_agree() -> None:
    """Half a frame is refused."""
    with pytest.raises(ValueError, match="frames"):
        Segmenter(LIMITS).push(bytes(FRAME_BYTES // 2), [True], 0.0)


limits = st.builds(
    lambda pre_roll, hangover, tail, minimum, extra: SpeechLimits(
        pre_roll, hangover, min(tail, hangover), minimum, 2 * (pre_roll + hangover) + extra
    ),
    st.integers(0, 8),
    st.integers(1, 10),
    st.integers(0, 10),
    st.integers(0, 5),
    st.integers(4, 40),
)
lines = st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=20).map(
    lambda runs: "".join(("#" if voiced else ".") * length for voiced, length in runs)
)


@given(lines, limits, st.integers(1, 9))
def test_segments_never_overlap_and_hold_the_frames_of_their_time(
    speech: str, bounds: SpeechLimits, block: int
) -> None:
    """Segments stand in order, overlap nowhere, are bounded, and their audio is that of their stamps."""
    end = 0
    heard_at = 0.0
    for segment in cut(speech, bounds, block):
        start, stop = span(segment)
        assert end <= start < stop <= len(speech)
        assert segment.frames <= bounds.maximum
        assert segment.pcm == b"".join(frame(number) for number in range(start, stop))
        assert segment.voiced_frames == speech[start:stop].count("#")
        assert heard_at < segment.ended_at <= 100 + (stop - 1) * FRAME_SECONDS + 1e-6
        end, heard_at = stop, segment.ended_at


@given(lines, limits, st.integers(1, 9))
def test_no_speech_is_lost_but_clicks(speech: str, bounds: SpeechLimits, block: int) -> None:
    """Every voiced frame lies in a segment, unless its stretch of speech was below the minimum."""
    covered = {number for segment in cut(speech, bounds, block) for number in range(*span(segment))}
    for stretch in _stretches(speech, bounds.hangover):
        if len(stretch) >= max(1, bounds.minimum):
            assert covered >= set(stretch)


@given(lines, limits, st.integers(1, 9), st.integers(1, 9))
def test_the_block_size_makes_no_difference(speech: str, bounds: SpeechLimits, one: int, other: int) -> None:
    """The same frames give the same segments however they are grouped."""
    assert [(span(s), s.pcm) for s in cut(speech, bounds, one)] == [
        (span(s), s.pcm) for s in cut(speech, bounds, other)
    ]


def foretold(speech: str, limits: SpeechLimits, block: int) -> tuple[list[Segment], list[tuple[int, Segment]]]:
    """The segments, and those that were given ahead, each with the number of frames pushed by then."""
    segmenter, found, ahead = Segmenter(limits), [], []
    for start in range(0, len(speech), block):
        part = speech[start : start + block]
        pcm = b"".join(frame(start + i) for i in range(len(part)))
        found += segmenter.push(pcm, [c == "#" for c in part], 100 + (start + len(part) - 1) * FRAME_SECONDS)
        if segment := segmenter.ahead():
            ahead.append((start + len(part), segment))
    return found + segmenter.flush(), ahead


AHEAD = replace(LIMITS, ahead=3)


@pytest.mark.parametrize(
    ("speech", "expected"),
    [
        pytest.param("....###...", [(10, (1, 9))], id="as soon as the silence is long enough"),
        pytest.param("....###..", [], id="no sooner"),
        pytest.param("....###...#....", [(10, (1, 9)), (14, (1, 13))], id="again when somebody has spoken on"),
        pytest.param("....###.........", [(10, (1, 9))], id="once in a silence"),
        pytest.param("....#....", [], id="not for a click"),
        pytest.param("#" * 35 + "...", [(38, (0, 37))], id="while the end comes before the split"),
        pytest.param("#" * 36 + "...", [], id="not where speech is split before it ends"),
    ],
)
def test_when_the_end_is_told_ahead(speech: str, expected: list[tuple[int, tuple[int, int]]]) -> None:
    """After `ahead` unvoiced frames, where the utterance can end at the hangover as it is."""
    assert [(at, span(segment)) for at, segment in foretold(speech, AHEAD, 1)[1]] == expected


@given(lines, limits, st.data(), st.integers(1, 9))
def test_what_is_told_ahead_comes_true_or_somebody_speaks_on(
    speech: str, bounds: SpeechLimits, data: st.DataObject, block: int
) -> None:
    """The next segment is the same in all, unless a voiced frame comes first; and the segments are as without."""
    ahead = data.draw(st.integers(max(1, bounds.tail), max(1, bounds.hangover)))
    bounds = replace(bounds, ahead=ahead if bounds.tail <= ahead < bounds.hangover else 0)
    segments, told = foretold(speech, bounds, block)
    assert segments == cut(speech, replace(bounds, ahead=0), block)
    for at, segment in told:
        last = speech.rindex("#", 0, at)
        goes_on = "#" in speech[at : last + bounds.hangover + 1]
        following = next(each for each in segments if each.start_frame >= segment.start_frame)
        same = (following.start_frame, following.pcm, following.voiced_frames) == (
            segment.start_frame,
            segment.pcm,
            segment.voiced_frames,
        )
        assert goes_on or (same and following.ended_at == pytest.approx(segment.ended_at))


def _stretches(speech: str, hangover: int) -> list[list[int]]:
    """Voiced frames, parted where at least a hangover of silence lies between them."""
    found: list[list[int]] = []
    for number, flag in enumerate(speech):
        if flag == "#":
            if found and number - found[-1][-1] - 1 < hangover:
                found[-1].append(number)
            else:
                found.append([number])
    return found
