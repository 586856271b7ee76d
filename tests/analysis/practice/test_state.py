"""What practice keeps of a call: turns that grow, bounds, storage."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from analysis.practice.debrief import debrief
from analysis.practice.read_turn import ReadTurn, agent_turn, customer_turn
from analysis.practice.state import LATEST_TURNS, State
from analysis.practice.timing import Span
from analysis.turns.reading import Act, AgentReading, CustomerReading, Wish
from analysis.turns.score import Score
from analysis.turns.turn import Turn
from callbus import Practice, Role
from callbus.messages.wire import encode_publication
from tests.analysis.practice.speaking import ENGLISH, agent, customer, told

LONG = "I have been waiting for this since the second of March and nobody has called me back."
MOST_BYTES = 200_000

share = st.floats(0, 1)
texts = st.text(max_size=200) | st.sampled_from(
    [LONG, "I hear you, I'm calling now.", "That's our policy.", "How dare you."]
)
turns = st.builds(
    Turn,
    st.integers(0, 60),
    st.just("party"),
    st.sampled_from([Role.CUSTOMER, Role.AGENT]),
    texts,
    st.floats(0, 1e7),
    st.floats(0, 1e7),
    share,
    st.integers(1, 24),
)
agent_readings = st.none() | st.builds(AgentReading, st.dictionaries(st.sampled_from(Act), share), share)
names = st.sampled_from(
    ["frustration", "anger", "worry", "dismissed", "disappointment", "relief", "none", "of the future"]
)
customer_readings = st.none() | st.builds(
    CustomerReading, st.dictionaries(names, share), share, st.dictionaries(st.sampled_from(Wish), share)
)
scores = st.builds(Score, st.floats(-3, 3), share, st.just(()), customer_readings)


def read(said: Turn, score: Score, reading: AgentReading | None) -> ReadTurn:
    """A turn as practice reads it."""
    if said.role is Role.AGENT:
        return agent_turn(said, ENGLISH.of_agent(said, ()), reading)
    return customer_turn(said, score, ENGLISH)


@given(st.lists(st.tuples(turns, scores, agent_readings), max_size=60))
def test_any_turns_are_read_within_bounds(said: Sequence[tuple[Turn, Score, AgentReading | None]]) -> None:
    """In any order and of any kind: nothing raises, and state, view and debrief stay small and can be written."""
    state = State()
    for one, score, reading in said:
        state = state.read(read(one, score, reading))
        span = Span(one.start_seconds, one.end_seconds, one.number, one.role is Role.AGENT, "words")
        timing = state.timing.heard(span, is_unhappy=state.now.is_unhappy)
        state = State(True, state.settled, state.settled_to, state.latest, timing, state.turnings)
    stored = msgspec.msgpack.encode(state)
    assert len(stored) <= MOST_BYTES
    assert msgspec.convert(msgspec.msgpack.decode(stored), State) == state
    shown = state.practice
    assert msgspec.json.decode(msgspec.json.encode(shown), type=Practice) == shown
    if told_of := debrief(state, "c", 1.0, 2.0, ""):
        encode_publication(told_of)


def test_a_long_hard_call_stays_small() -> None:
    """Three hundred turns, in which all that can be found is found again and again."""
    acts = dict.fromkeys(Act, 0.9)
    state = State()
    for number in range(0, 300, 2):
        state = state.read(customer(number, LONG * 9, -2, cores={"anger": 1.0}, urgent=0.9))
        said = Turn(number + 1, "agent", Role.AGENT, "How dare you. I'm on it. " * 20, number, number + 1.0, 1.0, 1)
        state = state.read(agent_turn(said, ENGLISH.of_agent(said, ()), AgentReading(acts, 0.9)))
    assert len(msgspec.msgpack.encode(state)) < 80_000
    assert len(msgspec.json.encode(state.practice)) < 8_000
    assert len(state.latest) == LATEST_TURNS


def test_a_turn_that_grows_replaces_its_earlier_reading() -> None:
    """Nothing is found twice, and what its first words alone had shown goes."""
    start = [customer(0, LONG, -2)]
    pieces = [agent(1, "That must be hard.", Act.ACK), agent(1, "That must be hard. I'm on it.", Act.ACK, Act.NEXT)]
    assert told([*start, *pieces]) == told([*start, pieces[-1]])
    assert told([*start, pieces[1], pieces[1]]) == told([*start, pieces[1]])


def test_a_turn_that_grows_after_the_other_took_the_floor() -> None:
    """Turns are taken by their numbers, whichever is heard last."""
    first, other = customer(0, LONG, -2), agent(1, "I'm on it.", Act.NEXT)
    longer = customer(0, LONG + " And again.", -2.5)
    assert told([first, other, longer]) == told([longer, other])


def test_a_turn_that_is_settled_stays_as_it_was() -> None:
    """Far behind the latest ones it cannot change any more."""
    state = told([customer(number, "That is it.", -1) for number in range(10)])
    assert state.read(customer(0, LONG, 2)) == state


def test_a_state_from_before_a_field_was_kept() -> None:
    """Whatever is missing has its default."""
    assert msgspec.convert({}, State) == State()


def test_what_is_not_judged_says_so_and_nothing_else() -> None:
    """On the page and in its state."""
    assert State(is_judged=False).practice == Practice(is_judged=False)
