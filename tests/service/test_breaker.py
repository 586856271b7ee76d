"""When a failing server is left alone."""

from __future__ import annotations

from service.breaker import FAILURES, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Breaker


def opened(now: float = 0.0) -> Breaker:
    """A breaker whose server has just failed often enough."""
    breaker = Breaker()
    pauses = [breaker.failed(now) for _ in range(FAILURES)]
    assert pauses == [None] * (FAILURES - 1) + [FIRST_PAUSE_SECONDS]
    return breaker


def test_it_opens_on_failures_running() -> None:
    """One success between them begins the count anew."""
    breaker = Breaker()
    for _ in range(3):
        for _ in range(FAILURES - 1):
            assert breaker.failed(0.0) is None
        assert not breaker.succeeded()
    assert breaker.closed
    assert not opened().closed


def test_one_probe_after_each_pause() -> None:
    """None before the pause is over, one then, and none beside it."""
    breaker = opened(100.0)
    assert not breaker.due(100.0 + FIRST_PAUSE_SECONDS / 2)
    assert breaker.due(100.0 + FIRST_PAUSE_SECONDS)
    assert not breaker.due(100.0 + FIRST_PAUSE_SECONDS)


def test_pauses_double_to_a_bound_and_begin_anew() -> None:
    """A dead server is probed ever more seldom, up to once a minute; an answer closes the breaker."""
    breaker, now, pauses = opened(), 1_000.0, []
    for _ in range(10):
        assert breaker.due(now)
        pauses.append(breaker.probe_failed(now))
        now += pauses[-1]
    assert pauses == [2, 4, 8, 16, 32, *[LONGEST_PAUSE_SECONDS] * 5]
    assert breaker.succeeded()
    assert breaker.closed
    assert not breaker.due(now)
    assert [breaker.failed(now) for _ in range(FAILURES)][-1] == FIRST_PAUSE_SECONDS


def test_questions_under_way_as_it_opens_prolong_nothing() -> None:
    """Many that fail together are one failure more."""
    breaker = opened(0.0)
    assert [breaker.failed(0.5) for _ in range(30)] == [None] * 30
    assert breaker.due(FIRST_PAUSE_SECONDS)


def test_a_server_can_ask_to_be_left_alone() -> None:
    """For as long as it says, up to the longest pause; a breaker that is open stays as it is."""
    breaker = Breaker()
    assert breaker.rest(100.0, 7.0) == 7.0
    assert not breaker.closed
    assert not breaker.due(106.9)
    assert breaker.due(107.0)
    assert opened().rest(0.0, 7.0) is None
    assert Breaker().rest(0.0, 1e9) == LONGEST_PAUSE_SECONDS
