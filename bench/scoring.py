"""`python -m bench.scoring`: the cost of judging a turn on one CPU thread, alone and with many others."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from analysis.scorers.shipped import SHIPPED_FEELING, FeelingScorer
from analysis.turns.turn import Turn
from bench.evaluation.dialogues import read_jsonl
from bench.table import row, show
from callbus import Role

DIALOGUES = Path(__file__).parent.parent / "tests" / "dialogues"
TURNS = 400
TOGETHER = 16


def main() -> None:
    """Judge the customers' turns of the test dialogues, and read the agents', with their history."""
    scorer = FeelingScorer()
    asked: list[tuple[Turn, list[Turn]]] = []
    read: list[tuple[Turn, list[Turn]]] = []
    for path in sorted(DIALOGUES.glob("*.jsonl")):
        for dialogue in read_jsonl(path):
            said: list[Turn] = []
            for number, line in enumerate(dialogue.lines):
                text = " ".join(line.utterances)
                turn = Turn(number, line.role.value, line.role, text, 0.0, 0.0, 1.0, 1)
                (asked if line.role is Role.CUSTOMER else read).append((turn, said[-8:]))
                said.append(turn)
    asked, read = asked[:TURNS], read[:TURNS]
    scorer.score(*asked[0])
    alone = sorted(_cpu_milliseconds(lambda one=one: scorer.score(*one)) for one in asked)  # type: ignore[misc]
    agents = [_cpu_milliseconds(lambda one=one: scorer.read(*one)) for one in read]  # type: ignore[misc]
    groups = [asked[at : at + TOGETHER] for at in range(0, len(asked), TOGETHER)]
    together = [_cpu_milliseconds(lambda of=of: scorer.feelings(of)) / len(of) for of in groups]  # type: ignore[misc]
    size = sum(path.stat().st_size for path in SHIPPED_FEELING.iterdir()) / 1e6
    said_of = f"{len(asked)} turns of the test dialogues, one thread, CPU time"
    show(
        [
            row("a turn, median", statistics.median(alone), "ms", said_of, at_most=10.0),
            row("a turn, p95", alone[int(0.95 * len(alone))], "ms", said_of),
            row("an agent's turn, median", statistics.median(agents), "ms", f"{len(read)} of them, read before"),
            row("a turn among 16", statistics.median(together), "ms", said_of),
            row("model", size, "MB", "files of the shipped scorer", at_most=30.0),
        ]
    )


def _cpu_milliseconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return 1_000 * (time.process_time() - began)


if __name__ == "__main__":
    main()
