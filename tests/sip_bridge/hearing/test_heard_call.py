"""A call's messages."""

from __future__ import annotations

from callbus import CallClosed, CallOpened, CrmRecord, Role, Utterance
from sip_bridge.hearing.heard_call import Call
from sip_bridge.hearing.leg import Leg
from sip_bridge.hearing.segmenter import FRAME_BYTES
from sip_bridge.settings import BridgeSettings
from testcall import scenario, ulaw

SPEECH = BridgeSettings().speech
BEGUN = 1000.0
"""In unix seconds."""


def leg(leg_id: str, role: Role) -> Leg:
    """A leg with the shipped settings, in a call whose clock stands still: its time is that of its audio."""
    made = Leg(leg_id, role, "", SPEECH, 2, clock=lambda: BEGUN)
    made.start_at(0, BEGUN)
    return made


def speak(to: Leg, until: float, since: float = 0.0, silence: bool = False, begin: float = BEGUN) -> None:
    """Put part of a scenario (the agent speaks from 1 s to 6 s), or silence, in a leg's ring, 100 ms at a time."""
    audio = b"".join(scenario.load("turns_angry").payloads("agent"))
    pcm = bytes(2 * len(audio)) if silence else ulaw.decode(audio).tobytes()
    block = 5 * FRAME_BYTES
    for number in range(round(since * 10), round(until * 10)):
        to.ring.inlet.put(pcm[number * block : (number + 1) * block], begin + 0.1 * (number + 1))


def test_a_call_tells_its_story_in_order() -> None:
    """Opening, utterances numbered over all legs, end: what was being said when it ended comes before it."""
    agent, customer = leg("1", Role.AGENT), leg("2", Role.CUSTOMER)
    call = Call("c", "bridge", [agent, customer], 1000.0)
    opening = call.opened()
    assert isinstance(opening, CallOpened)
    assert [each.role for each in opening.legs] == [Role.AGENT, Role.CUSTOMER]
    speak(agent, 3.0)
    speak(customer, 3.0)
    assert list(call.utterances()) == []
    *said, last = call.closed("bye", 1003.0)
    assert [(type(each), getattr(each, "sequence", None)) for each in said] == [(Utterance, 0), (Utterance, 1)]
    assert last == CallClosed("c", 1003.0, 3.0, "bye")


def test_a_leg_that_joins_late_shares_the_calls_time() -> None:
    """Its stamps start where the call's time is, and the call's legs are told anew."""
    first, second = leg("1", Role.AGENT), Leg("2", Role.CUSTOMER, "", SPEECH, 2, clock=lambda: BEGUN)
    call = Call("c", "bridge", [first], 1000.0)
    speak(first, 4.0, silence=True)
    assert list(call.utterances()) == []
    second.start_at(call.position_seconds, BEGUN + 4)
    opening = call.join(second)
    assert isinstance(opening, CallOpened)
    assert [each.leg_id for each in opening.legs] == ["1", "2"]
    speak(second, 3.0, begin=BEGUN + 4)
    (said, _) = call.closed("bye", 1007.0)
    assert isinstance(said, Utterance)
    assert 4.5 < said.start_seconds < 6


def test_who_speaks_is_told_where_it_is_news() -> None:
    """Another name tells the legs anew, another role also ends what was being said under the old one."""
    agent = leg("1", Role.UNKNOWN)
    call = Call("c", "bridge", [agent], 1000.0)
    assert list(call.tell([(agent, Role.UNKNOWN, "")])) == []
    speak(agent, 3.0)
    said, opening = call.tell([(agent, Role.AGENT, "Anna")])
    assert isinstance(said, Utterance)
    assert said.role is Role.UNKNOWN
    assert isinstance(opening, CallOpened)
    assert [(each.role, each.name) for each in opening.legs] == [(Role.AGENT, "Anna")]


def test_an_utterance_carries_the_audio_of_its_stamps() -> None:
    """PCM, stamps and the moment at which the speech ended belong together."""
    agent = leg("1", Role.AGENT)
    call = Call("c", "bridge", [agent], 1000.0)
    speak(agent, 4.0)
    assert list(call.utterances()) == []
    speak(agent, 8.0, since=4.0)
    (said,) = call.utterances()
    assert isinstance(said, Utterance)
    assert len(said.pcm) == round((said.end_seconds - said.start_seconds) * 16_000)
    assert 1000 + said.start_seconds < said.ended_at <= 1000 + said.end_seconds


def test_what_is_known_of_the_caller_is_told_once() -> None:
    """An opening with it each time that it grows, and never less than before."""
    call, crm = Call("c", "bridge", [leg("1", Role.CUSTOMER)], 1000.0), CrmRecord(2)
    steps = [("", None), ("ab", None), ("ab", crm), ("ab", crm), ("", None)]
    told = [list(call.introduce(caller, known)) for caller, known in steps]
    assert [[(each.caller, each.crm) for each in events if isinstance(each, CallOpened)] for events in told] == [
        *([], [("ab", None)], [("ab", crm)], [], [])
    ]
