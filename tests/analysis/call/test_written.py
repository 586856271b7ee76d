"""A written turn's place in its call, and the words of it that count."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from analysis.call.recording_state import Recordings
from analysis.call.succession import step
from analysis.call.written import EMPTY, Wrote, read
from callbus import CallClosed, CallOpened, Channel, Role, WrittenTurn
from callbus.messages.wire import ForkEvent

BEGAN = 1_800_000_000.0
OPENED = CallOpened("c", "written", BEGAN, (), channel=Channel.CHAT)
TURN = WrittenTurn("c", "customer", Role.CUSTOMER, 0, "hello", BEGAN, Channel.CHAT)

moments = st.floats(0, 1e10) | st.floats(BEGAN - 100, BEGAN + 1_000)


def told(events: list[tuple[ForkEvent, float]]) -> list[Wrote]:
    """The written turns of a call, placed; each event with the time at which Redis received it."""
    found, now = [], None
    for event, at in events:
        done = step(now, event, at)
        now = done.recordings
        found += [each for each in done.events if isinstance(each, Wrote)]
    return found


def test_a_message_is_a_moment_of_its_call() -> None:
    """It begins and ends when it was written, counted from the opening."""
    (first, second) = told([(OPENED, BEGAN), (TURN, BEGAN), (replace(TURN, sequence=1, at=BEGAN + 40), BEGAN + 41)])
    assert (first.start_seconds, first.end_seconds, first.ended_at) == (0, 0, BEGAN)
    assert (second.start_seconds, second.end_seconds, second.ended_at) == (40, 40, BEGAN + 40)


def test_a_conversation_that_opens_again_goes_on() -> None:
    """Within a minute after its end nothing is taken for heard already."""
    again = replace(OPENED, opened_at=BEGAN + 30)
    events: list[tuple[ForkEvent, float]] = [(OPENED, BEGAN), (replace(TURN, at=BEGAN + 10.0004), BEGAN + 10)]
    events += [(CallClosed("c", BEGAN + 20, 20.0, "closed"), BEGAN + 20), (again, BEGAN + 30)]
    events += [(replace(TURN, sequence=number, at=BEGAN + 30), BEGAN + 30) for number in (1, 2)]
    turns = told(events)
    assert [turn.sequence for turn in turns] == [0, 1, 2]
    assert [turn.end_seconds for turn in turns] == [10.0, 30.0, 30.0]


@given(st.lists(st.tuples(moments, st.floats(0, 50)), max_size=8))
def test_time_never_goes_back(written: list[tuple[float, float]]) -> None:
    """Whatever the clients' clocks say, every message is placed, in the order in which they came, within the call."""
    at, events = BEGAN, list[tuple[ForkEvent, float]]([(OPENED, BEGAN)])
    for number, (moment, pause) in enumerate(written):
        at += pause
        events.append((replace(TURN, sequence=number, at=moment), at))
    turns = told(events)
    assert len(turns) == len(written)
    seconds = [turn.end_seconds for turn in turns]
    assert seconds == sorted(seconds)
    assert all(turn.start_seconds == turn.end_seconds <= at - BEGAN + 61 for turn in turns)


def test_a_phone_is_no_written_channel() -> None:
    """A writer who says so has sent a chat message."""
    (turn,) = told([(replace(TURN, channel=Channel.PHONE), BEGAN)])
    assert turn.channel is Channel.CHAT


@given(st.text(max_size=300), st.sampled_from([Channel.CHAT, Channel.EMAIL]))
def test_words_are_clean(text: str, channel: Channel) -> None:
    """Certain words without control characters and overridden directions, or none and why."""
    (turn,) = told([(replace(TURN, text=text, channel=channel), BEGAN)])
    words = read(turn)
    assert (words.confidence, words.dropped) == ((1.0, "") if words.text else (0.0, EMPTY))
    assert not set(words.text) & {*map(chr, range(0x20)), "\u202e", "\u2066", "\u200b"} - {"\n"}


def test_languages_keep_their_signs() -> None:
    """Joined emojis and letters, marks, and both directions stay as they were written."""
    for text in (
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "e\u0301te\u0301",
    ):
        (turn,) = told([(replace(TURN, text=text), BEGAN)])
        assert read(turn).text == text


def test_a_message_may_be_the_first_that_is_known() -> None:
    """Its call began with it."""
    done = step(None, TURN, BEGAN + 1)
    assert isinstance(done.recordings, Recordings)
    assert (done.is_new, done.recordings.opened_at) == (True, BEGAN)
