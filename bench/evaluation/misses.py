"""What is missed, and what is alarmed for nothing, by the styles of the dialogues and by group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.evaluation.dialogues import Dialogue
from bench.evaluation.gold import gold, has_turned, match
from bench.evaluation.playing import Played


@dataclass(slots=True)
class Missed:
    """Of one style or group."""

    dialogues: int = 0
    onsets: int = 0
    missed: list[tuple[str, int]] = field(default_factory=list)
    """Onsets that no alarm found: the dialogue, and the number of the customer's turn."""
    false: list[tuple[str, int]] = field(default_factory=list)
    """Alarms for nothing, in the same way. Late ones are not among them."""


def misses(dialogues: Sequence[Dialogue], played: Sequence[Played]) -> dict[str, dict[str, Missed]]:
    """By `style` and by `group`, each by its name."""
    found: dict[str, dict[str, Missed]] = {"style": defaultdict(Missed), "group": defaultdict(Missed)}
    for dialogue, result in zip(dialogues, played, strict=True):
        known = gold(result.labels)
        pairs = match(known.onsets, result.worsened)
        onsets, alarms = {onset for onset, _ in pairs}, {alarm for _, alarm in pairs}
        for each in (found["style"][dialogue.style], found["group"][dialogue.group]):
            each.dialogues += 1
            each.onsets += len(known.onsets)
            each.missed += [(dialogue.name, turn) for turn in known.onsets if turn not in onsets]
            each.false += [
                (dialogue.name, turn) for turn in result.worsened if turn not in alarms and not has_turned(known, turn)
            ]
    return found


def told(found: dict[str, dict[str, Missed]], *, verbose: bool) -> Iterator[str]:
    """A line for each style and group with a miss or a false alarm, the worst first; `verbose`: and their turns."""
    for kind, by_name in found.items():
        for name, each in sorted(by_name.items(), key=lambda item: (-len(item[1].missed + item[1].false), item[0])):
            if each.missed or each.false:
                yield (
                    f"  {kind} {name or '-':<24} missed {len(each.missed)} of {each.onsets} onsets, "
                    f"false alarms {len(each.false)}, in {each.dialogues} dialogues"
                )
                if verbose and kind == "style":
                    yield from (f"    missed: {dialogue} turn {turn}" for dialogue, turn in each.missed)
                    yield from (f"    false:  {dialogue} turn {turn}" for dialogue, turn in each.false)
