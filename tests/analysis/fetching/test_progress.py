"""What is seen of a fetch while it goes on."""

from __future__ import annotations

import io

from analysis.fetching.progress import Progress, megabytes


def test_lines_for_a_log() -> None:
    """One at the beginning, then one every five seconds; a fetch that is over sooner says no more."""
    now, said = [0.0], list[str]()
    progress = Progress(said.append, clock=lambda: now[0])
    progress.begin("base from the hub", 100_000_000)
    for second in range(12):
        now[0] = second
        progress.at(second * 5_000_000)
    progress.end()
    assert said == [
        "base from the hub: 100.0 MB",
        "base from the hub: 25.0 MB of 100.0 MB, 25 %, 5.0 MB/s",
        "base from the hub: 50.0 MB of 100.0 MB, 50 %, 5.0 MB/s",
    ]


def test_one_line_on_a_terminal() -> None:
    """It is drawn over and over, complete at the end, and other lines do not run into it."""
    now, said, terminal = [0.0], list[str](), io.StringIO()
    progress = Progress(said.append, terminal=terminal, clock=lambda: now[0])
    progress.begin("base from the hub", 1_000_000)
    now[0] = 0.1
    progress.add(300_000)
    now[0] = 0.5
    progress.add(300_000)
    progress.add(400_000)
    progress.say("done")
    drawn = terminal.getvalue().split("\r\x1b[K")[1:]
    assert [line.partition(": ")[2] for line in drawn] == [
        "0.0 MB of 1.0 MB, 0 %",
        "0.6 MB of 1.0 MB, 60 %",
        "1.0 MB of 1.0 MB, 100 %\n",
    ]
    assert said == ["done"]


def test_sizes() -> None:
    """As people read them."""
    assert [megabytes(0), megabytes(147_882_941), megabytes(1_621_665_983)] == ["0.0 MB", "147.9 MB", "1.62 GB"]
