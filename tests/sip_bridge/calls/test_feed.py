"""What forks feed of which calls: who is heard when, and what a fault of one costs the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from callbus import CallClosed, CallOpened, Role, Utterance
from callbus.messages.wire import ForkEvent
from sip_bridge.calls.ending import Ending
from sip_bridge.calls.open_calls import OpenCalls
from sip_bridge.hearing.leg import Leg
from tests.breaking import Fault, always
from tests.sip_bridge.source import Fork
from tests.sip_bridge.stage import (
    Changes,
    Ends,
    FallsSilent,
    IsEnding,
    IsRefused,
    Opens,
    Passes,
    Says,
    Stage,
    Step,
    offer,
    plain,
    play,
)

ANNA = offer("c", "cust", "anna", group="g")
OPENED, FIRST, SECOND, LAST = "c opened: 1 customer, 2 Anna", "c 1: customer", "c 2: agent", "c closed: bye"


def test_a_call_opens_speaks_and_ends() -> None:
    """Its parties, what each of them says, and why it ended."""
    play(
        [Opens("a", ANNA), Says("a", "customer"), Says("a", "agent", 1), Ends("a", Ending.RTP_TIMEOUT)],
        [OPENED, FIRST, SECOND, "c closed: rtp_timeout"],
    )


def test_forks_that_name_a_call_are_its_legs() -> None:
    """The first one opens it, another one joins it, and it closes with the last of them."""
    play(
        [
            *(Opens("a", plain(Role.CUSTOMER), "c"), Opens("b", plain(Role.AGENT), "c")),
            *(Says("a", "customer"), Ends("a"), Says("b", "agent"), Ends("b")),
        ],
        [
            *("c opened: customer customer", "c opened: customer customer, agent agent"),
            *("c customer: customer", "c agent: agent", LAST),
        ],
    )


def test_a_standby_waits_and_takes_over() -> None:
    """What it brings is not heard until the first one ends; then it is the same call, with the same legs."""
    play(
        [Opens("a", ANNA), Opens("b", ANNA), Says("b", "agent", 1), Ends("a"), Says("b", "customer"), Ends("b")],
        [OPENED, FIRST, LAST],
    )


def test_a_fork_that_falls_silent_gives_way() -> None:
    """After four seconds the other one is heard; where nobody brings anything, nothing changes."""
    play(
        [
            *(Opens("a", ANNA), Opens("b", ANNA), FallsSilent("a"), Passes(3.9), Says("b", "customer")),
            *(Passes(0.1), Says("b", "customer"), FallsSilent("b"), Passes(5.0), Ends("b"), Ends("a")),
        ],
        [OPENED, FIRST, LAST],
    )


def test_a_transfer_is_heard_at_once() -> None:
    """The customer speaks with another agent in another session of the group: the same call, and the new agent's."""
    ben = offer("d", "cust", "ben", group="g")
    play(
        [
            *(Opens("a", ANNA), Says("a", "agent", 1), Opens("b", ben), Says("a", "agent", 1)),
            *(Says("b", "agent", 1), Ends("a"), Says("b", "customer"), Ends("b")),
        ],
        [OPENED, SECOND, "c opened: 1 customer, 2 Ben", SECOND, FIRST, LAST],
    )


def test_a_fork_that_is_ending_is_passed_over() -> None:
    """One that the bridge has hung up on is not heard any more: when its turn comes, whoever waits behind it is."""
    waiting: list[Step] = [Opens("a", ANNA), Opens("b", ANNA), Opens("c", ANNA)]
    told = [OPENED, FIRST, LAST]
    play([*waiting, IsEnding("b"), Ends("a"), Says("c", "customer"), Ends("b"), Ends("c")], told)
    silent: list[Step] = [FallsSilent("a"), Passes(3.0), IsEnding("b"), Passes(1.0)]
    play([*waiting, *silent, Says("c", "customer"), Ends("b"), Ends("a"), Ends("c")], told)


def test_a_fork_that_is_refused_changes_nothing() -> None:
    """Neither a call that is open nor one that is none."""
    play(
        [IsRefused("a"), Opens("b", ANNA), IsRefused("c"), Says("b", "customer"), Ends("b")],
        [OPENED, FIRST, LAST],
    )


def test_who_comes_while_a_fork_is_ending_is_heard() -> None:
    """A recorder that fails over does not wait until its dead half has confirmed that it was hung up on."""
    play(
        [Opens("a", ANNA), IsEnding("a"), Opens("b", ANNA), Says("b", "customer"), Ends("a"), Ends("b")],
        [OPENED, FIRST, LAST],
    )


def test_who_comes_when_all_others_are_ending_is_heard() -> None:
    """The one that was heard has ended already, and nobody else could take over."""
    play(
        [
            *(Opens("a", ANNA), Opens("b", ANNA), IsEnding("b"), Ends("a")),
            *(Opens("c", ANNA), Says("c", "customer"), Ends("b"), Ends("c")),
        ],
        [OPENED, FIRST, LAST],
    )


def test_a_party_that_comes_in_mid_call_is_a_further_leg() -> None:
    """Its stream is heard from then on, and the call's legs are told anew."""
    play(
        [
            Opens("a", ANNA),
            Changes("a", offer("c", "cust", "anna", "ben", group="g")),
            Says("a", "agent", 2),
            Ends("a"),
        ],
        [OPENED, f"{OPENED}, 3 Ben", "c 3: agent", LAST],
    )


TALK: list[Step] = [
    Opens("a", ANNA),
    Opens("b", ANNA),
    Says("a", "customer"),
    Says("a", "agent", 1),
    Ends("a"),
    Ends("b"),
]


def is_agents(leg: Leg, *rest: object) -> bool:
    """Whether a leg is the agent's."""
    return leg.role is Role.AGENT


def is_b(fork: Fork, *rest: object) -> bool:
    """Whether this is the fork that waits."""
    return fork.name == "b"


def of_kind(kind: type[ForkEvent]) -> Callable[..., bool]:
    """Whether this kind of event is published."""
    return lambda stage, event: isinstance(event, kind)


@pytest.mark.parametrize(
    ("fault", "told", "counted"),
    [
        pytest.param(Fault(Leg, "hear", of=is_agents), [OPENED, FIRST, LAST], "listening", id="a leg"),
        pytest.param(Fault(Leg, "flush", of=is_agents), [OPENED, FIRST, SECOND, LAST], "listening", id="a leg's end"),
        pytest.param(
            Fault(Stage, "publish", of=of_kind(CallOpened)), [FIRST, SECOND, LAST], "listening", id="an opening"
        ),
        pytest.param(Fault(Stage, "publish", of=of_kind(Utterance)), [OPENED, LAST], "listening", id="an utterance"),
        pytest.param(
            Fault(Stage, "publish", of=of_kind(CallClosed)), [OPENED, FIRST, SECOND], "listening", id="an end"
        ),
        pytest.param(Fault(OpenCalls, "leg", of=always), [LAST], "step command", id="a leg that cannot be made"),
        pytest.param(Fault(Fork, "release_all", of=always), [OPENED, FIRST, SECOND, LAST], "step", id="a release"),
        pytest.param(Fault(Fork, "attend", of=is_b), [OPENED, FIRST, SECOND, LAST], "step command", id="a standby"),
    ],
)
def test_a_fault_costs_what_it_struck(fault: Fault, told: list[str], counted: str) -> None:
    """It is counted, and the call goes on with all the rest, to its end."""
    play(TALK, told, fault, faults=counted.split())


def test_a_takeover_that_breaks_is_made_good_by_the_next_change() -> None:
    """The fork is the one that is heard; its streams are as soon as it says anything new of the call."""
    broken = Fault(Fork, "attend", of=lambda fork: is_b(fork) and fork.feed.heard and not broken.struck)
    play(
        [
            *(Opens("a", ANNA), Opens("b", ANNA), Ends("a"), Says("b", "customer")),
            *(Changes("b", ANNA), Says("b", "agent", 1), Ends("b")),
        ],
        [OPENED, SECOND, LAST],
        broken,
        faults=["command"],
    )


def test_a_fork_that_breaks_when_asked_how_quiet_it_is_stays() -> None:
    """Nobody is heard in its place, and its call ends with it."""
    broken = Fault(Fork, "quiet_seconds", of=is_b)
    play(
        [
            Opens("a", ANNA),
            Opens("b", ANNA),
            FallsSilent("a"),
            Passes(5.0),
            Says("b", "customer"),
            Ends("b"),
            Ends("a"),
        ],
        [OPENED, LAST],
        broken,
        faults=["step"],
    )
