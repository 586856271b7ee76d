"""The network: MiniLM reads each turn on its own; its upper layers then also see the earlier turns.

The word embeddings keep their published weights.
"""

# mypy: disallow-subclassing-any=false, disallow-any-unimported=false
# torch is not installed where this is type-checked

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from analysis.scorers.outputs import OUTPUTS
from analysis.turns.wording import Wording

WIDTH, HEADS, LAYERS, INNER = 384, 12, 6, 1536
LOWER = 3
"""Layers that see one turn at a time, so that a worker computes them once a turn."""
DROPOUT = 0.1
DISTANCES = 8
"""Distances between turns that are told apart; all larger ones count as the largest."""


class Layer(nn.Module):
    """One BERT layer, with an attention bias."""

    def __init__(self) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.joined = nn.Linear(WIDTH, WIDTH)
        self.attention_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.inner = nn.Linear(WIDTH, INNER)
        self.outer = nn.Linear(INNER, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, hidden: Tensor, bias: Tensor, asked: Tensor | None = None) -> Tensor:
        """Hidden states, shape (rows, tokens, WIDTH); `bias` has shape (rows, 1 or HEADS, tokens, tokens).

        With `asked` (token numbers), only these tokens are returned.
        """
        rows, tokens, _ = hidden.shape
        query, key, value = self.query_key_value(hidden).view(rows, tokens, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        if asked is not None:
            query, bias, hidden = (
                query.index_select(2, asked),
                bias.index_select(2, asked),
                hidden.index_select(1, asked),
            )
        weights = (query * (WIDTH // HEADS) ** -0.5) @ key.transpose(-1, -2) + bias
        mixed = (weights.softmax(-1) @ value).transpose(1, 2).reshape(rows, -1, WIDTH)
        hidden = self.attention_norm(hidden + self.dropout(self.joined(mixed)))
        return self.norm(hidden + self.dropout(self.outer(functional.gelu(self.inner(hidden)))))


class Network(nn.Module):
    """Logits of what examples.OUTPUTS says of turns, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30_522, WIDTH)
        self.places = nn.Embedding(64, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.lower = nn.ModuleList(Layer() for _ in range(LOWER))
        self.kinds = nn.Embedding(2, WIDTH)
        self.distances = nn.ModuleList(nn.Embedding(DISTANCES, HEADS) for _ in range(LAYERS - LOWER))
        self.upper = nn.ModuleList(Layer() for _ in range(LAYERS - LOWER))
        self.dropout = nn.Dropout(DROPOUT)
        self.heads = nn.Linear(2 * WIDTH, OUTPUTS)
        for module in (self.words, self.places, self.norm):
            module.requires_grad_(False)

    def read(self, ids: Tensor, places: Tensor, turns: Tensor) -> Tensor:
        """The lower half: hidden states of tokens that attend to their own turn, shape (rows, tokens, WIDTH)."""
        bias = _bias(turns.unsqueeze(2) == turns.unsqueeze(1)).unsqueeze(1)
        hidden = self.norm(self.words(ids) + self.places(places))
        for layer in self.lower:
            hidden = layer(hidden, bias)
        return hidden

    def relate(self, hidden: Tensor, kinds: Tensor, turns: Tensor, asked: Tensor | None = None) -> Tensor:
        """The upper half: hidden states of all or the asked tokens, which attend to their own and all earlier turns."""
        apart = turns.unsqueeze(2) - turns.unsqueeze(1)
        # Padding has a turn number before all others, so no token attends to it.
        seen = _bias((apart >= 0) & ((turns.unsqueeze(1) >= 0) | (apart == 0))).unsqueeze(1)
        # A product instead of a look-up, whose gradient is slow.
        near = functional.one_hot(apart.clamp(0, DISTANCES - 1), DISTANCES).to(hidden.dtype)
        hidden = hidden + self.kinds(kinds)
        for layer, distances in zip(self.upper, self.distances, strict=True):
            bias = (near @ distances.weight).permute(0, 3, 1, 2) + seen
            hidden = layer(hidden, bias, asked if layer is self.upper[-1] else None)
        return hidden

    def judge(self, hidden: Tensor, own: Tensor) -> Tensor:
        """Logits, shape (turns, OUTPUTS); `own`, shape (turns, tokens), is 1 for each turn's tokens in `hidden`."""
        before = torch.cumsum(own, 1) - own
        mark = (own * (before == 0)).unsqueeze(-1)
        mean = (hidden * own.unsqueeze(-1)).sum(1) / own.sum(1, keepdim=True)
        return self.heads(self.dropout(torch.cat(((hidden * mark).sum(1), mean), -1)))


def _bias(seen: Tensor) -> Tensor:
    return (~seen).to(torch.float32) * -10_000.0


def from_minilm(weights: Path) -> Network:
    """MiniLM-L6's weights with new heads."""
    found = load_file(weights)
    network = Network()
    state = network.state_dict()
    # Every text has MiniLM's first segment type.
    state["words.weight"] = (
        found["embeddings.word_embeddings.weight"] + found["embeddings.token_type_embeddings.weight"][0]
    )
    state["places.weight"] = found["embeddings.position_embeddings.weight"][:64]
    state["kinds.weight"].zero_()
    for layer in range(LAYERS - LOWER):
        state[f"distances.{layer}.weight"].zero_()
    for kind in ("weight", "bias"):
        state[f"norm.{kind}"] = found[f"embeddings.LayerNorm.{kind}"]
        for layer in range(LAYERS):
            theirs = f"encoder.layer.{layer}."
            ours = f"lower.{layer}." if layer < LOWER else f"upper.{layer - LOWER}."
            state[f"{ours}query_key_value.{kind}"] = torch.cat(
                [found[f"{theirs}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            )
            for name, own in (
                ("attention.output.dense", "joined"),
                ("attention.output.LayerNorm", "attention_norm"),
                ("intermediate.dense", "inner"),
                ("output.dense", "outer"),
                ("output.LayerNorm", "norm"),
            ):
                state[f"{ours}{own}.{kind}"] = found[f"{theirs}{name}.{kind}"]
    network.load_state_dict(state)
    return network


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of several turns each, padded to the longest; shape (rows, tokens)."""

    ids: Tensor
    places: Tensor
    kinds: Tensor
    turns: Tensor
    wanted: Tensor
    """The turns to judge, shape (turns, 2): row, and turn within it."""

    def judged_by(self, network: Network) -> Tensor:
        """Logits of the wanted turns, shape (turns, OUTPUTS)."""
        lower = network.read(self.ids, self.places, self.turns)
        hidden = network.relate(lower, self.kinds, self.turns)
        rows = self.wanted[:, 0]
        return network.judge(hidden[rows], (self.turns[rows] == self.wanted[:, 1:]).float())


def batch(rows: Sequence[tuple[Wording, Sequence[int]]]) -> Batch:
    """Wordings, each with its wanted turns, padded to the longest."""
    longest = max(len(wording.ids) for wording, _ in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    places = torch.zeros_like(ids)
    kinds = torch.zeros_like(ids)
    turns = torch.full_like(kinds, -1)
    for row, (wording, _) in enumerate(rows):
        count = len(wording.ids)
        ids[row, :count] = torch.tensor(wording.ids)
        places[row, :count] = torch.tensor(wording.places)
        kinds[row, :count] = torch.tensor(wording.kinds)
        turns[row, :count] = torch.tensor(wording.turns)
    wanted = [(row, turn) for row, (_, numbers) in enumerate(rows) for turn in numbers]
    return Batch(ids, places, kinds, turns, torch.tensor(wanted))
