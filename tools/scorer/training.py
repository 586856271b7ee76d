"""One training run: batches of similar length, soft labels, and pairs of turns of which one is unhappier."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from analysis.scorers.outputs import AT_ACTS, AT_CORES, AT_FEELINGS, AT_HOLLOW, AT_URGENT, AT_WISHES
from analysis.scorers.shipped import HISTORY_TURNS
from analysis.turns.wording import Wording, latest, plain, wording
from bench.evaluation.measures import auc
from callbus import Role
from tools.scorer.examples import Example, Label
from tools.scorer.network import Network, batch

BATCH_TOKENS = 800
"""Tokens per batch, padding included."""
AVERAGED_FROM = 0.4
AVERAGED_EVERY = 10
"""Steps between the weights that are averaged over the rest of the training; the mean fits the noise less."""
SMOOTHING = 0.08
"""Share of a label that is spread over the others: single labels by one annotator are noisy."""
CORES_WEIGHT = 0.3
WISHES_WEIGHT = 0.2
URGENT_WEIGHT = 0.5
ACTS_WEIGHT = 0.3
"""Of the sum over the acts."""
PAIRS_WEIGHT = 0.3
PAIRS_MARGIN = 1.0

Row = tuple[Wording, tuple[Label, ...]]


def train(
    network: Network,
    tokenizer: Tokenizer,
    variants: Sequence[Sequence[Example]],
    *,
    epochs: int,
    rate: float,
    seed: int,
) -> None:
    """Train in place. `variants` are the same examples in other words; each time one of them is used."""
    dice = random.Random(seed)
    torch.manual_seed(seed)
    rows = [[(wording(tokenizer, one.turns), one.labels) for one in examples] for examples in variants]
    rounds = [list(_cut([dice.choice(same) for same in zip(*rows, strict=True)], dice)) for _ in range(epochs)]
    steps = sum(map(len, rounds))
    optimizer = torch.optim.AdamW(_groups(network, rate), lr=rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (0.06 * steps), max(0.0, (steps - step) / (0.94 * steps)))
    )
    average = torch.optim.swa_utils.AveragedModel(network)
    network.train()
    mean, began = 0.0, time.monotonic()
    for step, chosen in enumerate((one for each in rounds for one in each), 1):
        made = batch([(words, [label.turn for label in labels]) for words, labels in chosen])
        with torch.autocast("cpu", torch.bfloat16):  # a third less of a training's time
            logits = made.judged_by(network)
        loss = cost(logits.float(), [label for _, labels in chosen for label in labels])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step > AVERAGED_FROM * steps and step % AVERAGED_EVERY == 0:
            average.update_parameters(network)
        mean += (loss.item() - mean) / min(step, 100)
        if step % 50 == 0:
            print(f"step {step}/{steps} loss {mean:.4f} {time.monotonic() - began:.0f} s", flush=True)
    network.load_state_dict(average.module.state_dict())
    network.eval()


def auc_of_unhappy(network: Network, tokenizer: Tokenizer, examples: Sequence[Example], tokens: int) -> float:
    """How well turns are ranked when read as in a call, with this many tokens of history."""
    asked = [
        (latest(tokenizer, one.turns[max(0, label.turn - HISTORY_TURNS) : label.turn + 1], tokens), label)
        for one in examples
        for label in one.labels
        if one.turns[label.turn][0] is not Role.AGENT and plain(one.turns[label.turn][1])
    ]
    asked.sort(key=lambda each: len(each[0].ids))
    rows = [(words, [words.turns[-1]]) for words, _ in asked]
    with torch.inference_mode():
        parts = [batch(rows[at : at + 32]).judged_by(network) for at in range(0, len(rows), 32)]
    feelings = torch.cat(parts)[:, AT_FEELINGS].double()
    odds = feelings[:, 0] - torch.logsumexp(feelings[:, 1:], 1)
    return auc(odds.numpy(), np.array([label.shares[0] > 0.5 for _, label in asked]))


def _cut(rows: list[Row], dice: random.Random) -> Iterator[list[Row]]:
    """All rows once, batched by similar length, in random order."""
    rows.sort(key=lambda row: len(row[0].ids) * dice.uniform(0.9, 1.1))
    cut: list[list[Row]] = [[]]
    longest = 0
    for row in rows:
        longest = max(longest, len(row[0].ids))
        if (len(cut[-1]) + 1) * longest > BATCH_TOKENS:
            cut.append([])
            longest = len(row[0].ids)
        cut[-1].append(row)
    dice.shuffle(cut)
    yield from filter(None, cut)


def cost(logits: Tensor, labels: Sequence[Label]) -> Tensor:
    """The loss to minimise, over what is known of each turn."""
    wanted = torch.tensor([label.shares for label in labels])
    feelings = logits[:, AT_FEELINGS]
    loss = _shares_cost(logits, wanted, AT_FEELINGS)
    loss = loss + CORES_WEIGHT * _shares_cost(logits, wanted, AT_CORES)
    loss = loss + WISHES_WEIGHT * _shares_cost(logits, wanted, AT_WISHES)
    for where, weight in ((AT_URGENT, URGENT_WEIGHT), (AT_ACTS, ACTS_WEIGHT), (AT_HOLLOW, ACTS_WEIGHT)):
        loss = loss + weight * _each_cost(logits, wanted, where)
    # Pairs of turns within a batch, one unhappier by its label: the log-odds must show the order.
    order = feelings[:, 2] - feelings[:, 0]
    mood = wanted[:, 2] - wanted[:, 0]
    worse = mood[:, None] - mood[None, :] > 0.4
    gap = functional.softplus(PAIRS_MARGIN - (order[:, None] - order[None, :]))
    return loss + PAIRS_WEIGHT * (gap * worse).sum() / worse.sum().clamp(min=1)


def _shares_cost(logits: Tensor, wanted: Tensor, where: slice) -> Tensor:
    """Cross entropy of one choice, over the turns where it is known."""
    known = ~wanted[:, where].isnan().any(1)
    if not known.any():
        return logits.sum() * 0.0
    return functional.cross_entropy(logits[known, where], wanted[known, where], label_smoothing=SMOOTHING)


def _each_cost(logits: Tensor, wanted: Tensor, where: slice) -> Tensor:
    """Cross entropies of labels that a turn may have or not, summed over the labels."""
    known = ~wanted[:, where].isnan()
    smooth = wanted[:, where].nan_to_num(0.0) * (1 - SMOOTHING) + SMOOTHING / 2
    each = functional.binary_cross_entropy_with_logits(logits[:, where], smooth, reduction="none") * known
    return (each.sum(0) / known.sum(0).clamp(min=1)).sum()


def _groups(network: Network, rate: float) -> list[dict[str, object]]:
    """The lower half learns more slowly, as it knows most; the heads, which are new, learn faster."""
    lower = [each for each in network.lower.parameters() if each.requires_grad]
    upper = [*network.kinds.parameters(), *network.distances.parameters(), *network.upper.parameters()]
    return [
        {"params": lower, "weight_decay": 0.01, "lr": rate / 3},
        {"params": upper, "weight_decay": 0.01},
        {"params": list(network.heads.parameters()), "weight_decay": 0.0, "lr": 1e-3},
    ]
