"""What is read next and what is left out, with a clock of its own and a model that takes its time exactly."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.words.cost import Costs
from analysis.words.passage import Passage
from analysis.words.waiting import (
    BUSY_SECONDS,
    FULL_SECONDS,
    PATIENCE_SECONDS,
    STRAIN_SECONDS,
    Kind,
    Queue,
    Waiting,
)
from callbus import Role

A, C = Role.AGENT, Role.CUSTOMER
EMPTY = Passage(np.zeros((1, 1), np.float32))
BATCH, ROW = 0.04, 0.0175
"""Seconds of a batch, and of each row in it."""
HELD = 37
"""Utterances a second that such a model holds, in batches of 16."""


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """For futures; it does not run."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


def utterance(loop: asyncio.AbstractEventLoop, now: float, role: Role = C, kind: Kind = Kind.SAID) -> Waiting:
    """One whose speech is just over."""
    return Waiting(EMPTY, 600, role, kind, now + (1.0 if role is A else 0.5), now, 3.0, 0.4, loop.create_future())


def queue(seconds_a_row: float = 0.1, batch_size: int = 16, limit: int = 10_000) -> Queue:
    """One that knows what a row takes."""
    costs = Costs()
    for _ in range(5):
        costs.learn(600, 1, seconds_a_row)
    return Queue(costs, batch_size, limit)


@dataclass
class Day:
    """What became of utterances, by role."""

    waited: dict[Role, list[float]] = field(default_factory=lambda: {A: [], C: []})
    left_out: Counter[Role] = field(default_factory=Counter)
    left_out_at: list[float] = field(default_factory=list)

    def p95(self, role: Role) -> float:
        """Of the seconds from arrival to words."""
        return sorted(self.waited[role])[int(0.95 * len(self.waited[role]))]


def played(loop: asyncio.AbstractEventLoop, rates: list[tuple[float, float]], seed: int = 1) -> Day:
    """Utterances at random, half of them agents', at these rates for these seconds one after the other."""
    dice, day, waiting = random.Random(seed), Day(), Queue(Costs(), 16, 10_000)
    now, free, batch = 0.0, float("inf"), list[Waiting]()
    for rate, until in rates:
        following = now + dice.expovariate(rate)
        while now < until:
            if following < free:
                now, following = following, following + dice.expovariate(rate)
                waiting.add(utterance(loop, now, dice.choice((A, C))))
            else:
                now = free
                for each in batch:
                    day.waited[each.role].append(now - each.since)
                waiting.read(batch, BATCH + ROW * len(batch))
                free, batch = float("inf"), []
            for each in waiting.shed(now):
                day.left_out[each.role] += 1
                day.left_out_at.append(now)
            if not batch and (batch := waiting.take(now)):
                free = now + BATCH + ROW * len(batch)
    return day


def test_what_a_worker_holds_is_read_whole_and_in_time(loop: asyncio.AbstractEventLoop) -> None:
    """Nothing is left out, of nobody."""
    day = played(loop, [(HELD, 120)])
    assert not day.left_out
    assert max(day.p95(A), day.p95(C)) < 1.0


def test_at_twice_that_customers_come_in_time(loop: asyncio.AbstractEventLoop) -> None:
    """Agents' words give way, not all of them; no customer's does; and once it is over, nothing is left out."""
    day = played(loop, [(2 * HELD, 120), (HELD / 2, 200)])
    assert day.p95(C) < 1.0
    assert day.left_out[C] == 0
    assert day.left_out[A] > 1_000
    assert len(day.waited[A]) > 1_000
    assert max(day.left_out_at) < 122


def test_a_burst_is_read_late_and_whole(loop: asyncio.AbstractEventLoop) -> None:
    """What a worker took over from another: four seconds' work at once, and nothing is left out."""
    waiting = queue(0.02)
    for number in range(200):
        waiting.add(utterance(loop, 0.0, (A, C)[number % 2]))
    now = 0.0
    while batch := waiting.take(now):
        now += 0.02 * len(batch)
        waiting.read(batch, 0.02 * len(batch))
        assert waiting.shed(now) == []
    assert now == pytest.approx(4.0)


def test_second_readings_go_first_and_at_once(loop: asyncio.AbstractEventLoop) -> None:
    """They are no part of what is too much, and as soon as first readings are, they go."""
    waiting = queue()
    for _ in range(20):
        waiting.add(utterance(loop, 0.0, kind=Kind.AGAIN))
    assert waiting.shed(0.0) == []
    for _ in range(9):
        waiting.add(utterance(loop, 0.0, A))
    assert [each.kind for each in waiting.shed(0.0)] == [Kind.AGAIN] * 20
    assert len(waiting) == 9


def test_agents_go_oldest_first_once_they_have_waited(loop: asyncio.AbstractEventLoop) -> None:
    """After the worker has been behind for a while, those that are past their patience."""
    waiting = queue()
    said = [utterance(loop, number / 10, (A, C)[number % 2]) for number in range(30)]
    for each in said:
        waiting.add(each)
    assert waiting.shed(3.0) == []
    later = 3.0 + STRAIN_SECONDS
    assert waiting.shed(later) == said[:30:2]
    assert waiting.load(later) > BUSY_SECONDS
    waiting.add(young := utterance(loop, later, A))
    assert waiting.shed(later + PATIENCE_SECONDS) == []
    assert waiting.shed(later + PATIENCE_SECONDS + 0.1) == [young]


def test_customers_go_only_for_their_own_excess(loop: asyncio.AbstractEventLoop) -> None:
    """However many agents speak, and not in a burst; the oldest goes."""
    waiting = queue()
    customers = [utterance(loop, number / 100) for number in range(round(FULL_SECONDS / 0.1) - 1)]
    for each in customers:
        waiting.add(each)
        waiting.add(utterance(loop, each.since, A))
    assert not any(each.role is C for each in waiting.shed(60.0))
    for _ in range(3):
        waiting.add(utterance(loop, 60.0))
    assert waiting.shed(60.0) == []
    shed = [each for each in waiting.shed(60.0 + STRAIN_SECONDS) if each.role is C]
    assert 0 < len(shed) <= 3
    assert shed == customers[: len(shed)]


def test_a_slow_model_is_not_behind_with_a_few(loop: asyncio.AbstractEventLoop) -> None:
    """A large Whisper on a CPU takes 3 s for each: the bounds grow with it."""
    waiting = queue(3.0)
    for role in (C, A, C):
        waiting.add(utterance(loop, 0.0, role))
    for second in range(9):
        assert waiting.shed(float(second)) == []


@given(
    st.lists(st.tuples(st.sampled_from([A, C, Role.UNKNOWN]), st.sampled_from(Kind), st.floats(0, 0.3)), max_size=80)
)
def test_the_order_holds_whatever_comes(steps: list[tuple[Role, Kind, float]]) -> None:
    """No more than the limit waits; and for memory alone, second readings go before agents, agents before others."""
    loop, limit = asyncio.new_event_loop(), 10
    waiting, now, held = queue(0.001, limit=limit), 0.0, list[Waiting]()
    for role, kind, later in steps:
        now += later
        held.append(utterance(loop, now, role, kind))
        waiting.add(held[-1])
        for victim in waiting.shed(now):
            held.remove(victim)
            alike = victim.kind, victim.role
            if victim.kind is Kind.SAID:
                assert all(each.kind is Kind.SAID for each in held)
                assert victim.role is A or all(each.role is not A for each in held)
            assert all(each.since >= victim.since for each in held if (each.kind, each.role) == alike)
        assert len(waiting) == len(held) <= limit
    read = list[Waiting]()
    while batch := waiting.take(now):
        assert len({each.frames for each in batch}) == 1
        read += batch
        waiting.read(batch, 0.001 * len(batch))
    assert sorted(map(id, read)) == sorted(map(id, held))
    loop.close()
