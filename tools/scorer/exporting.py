"""Exports a trained network for the shipped scorer: two halves as int8 ONNX, the tokenizer, and feeling.json."""

# mypy: disallow-subclassing-any=false
# torch is not installed where this is type-checked

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from torch import Tensor, nn

from tools.scorer.calibration import PLAIN
from tools.scorer.network import LOWER, WIDTH, Network

OPSET = 17
FILES = ("reading.onnx", "relating.onnx", "tokenizer.json", "feeling.json")
"""The files of the folder."""


class Reading(nn.Module):
    """The lower half, for one text."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor) -> Tensor:
        """Hidden states, shape (1, tokens, WIDTH), of token ids, shape (1, tokens)."""
        places = torch.arange(ids.shape[1]).unsqueeze(0)
        return self.network.read(ids, places, torch.zeros_like(ids))


class Relating(nn.Module):
    """The upper half, for the latest turns of calls; judges the last turn."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, hidden: Tensor, kinds: Tensor, turns: Tensor, asked: Tensor) -> Tensor:
        """Logits, shape (rows, OUTPUTS), of hidden states, shape (rows, tokens, WIDTH).

        `asked`, shape (some,), are token numbers that include those of every row's last turn.
        """
        own = (turns == turns.amax(1, keepdim=True)).float().index_select(1, asked)
        return self.network.judge(self.network.relate(hidden, kinds, turns, asked), own)


def export(network: Network, tokenizer: Tokenizer, folder: Path, *, tokens: int) -> None:
    """Write FILES."""
    folder.mkdir(parents=True, exist_ok=True)
    network.eval()
    ids = torch.tensor([[101, 2023, 2003, 101, 2196]])
    hidden, turns = torch.zeros(1, 5, WIDTH), torch.tensor([[0, 0, 0, 1, 1]])
    along = {1: "tokens"}
    both = {0: "rows", 1: "tokens"}
    # The inputs of these layers have a few very large values: in 8 bits they cost half a point of AUC.
    whole = [f"/lower.{layer}/outer/MatMul" for layer in range(LOWER)]
    _write(Reading(network), {"ids": ids}, {"ids": along, "hidden": along}, folder / "reading.onnx", whole)
    _write(
        Relating(network),
        {"hidden": hidden, "kinds": torch.zeros_like(turns), "turns": turns, "asked": torch.tensor([3, 4])},
        {"hidden": both, "kinds": both, "turns": both, "asked": {0: "some"}},
        folder / "relating.onnx",
    )
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    about = {"tokens": tokens, **asdict(PLAIN)}
    (folder / "feeling.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")


def _write(
    module: nn.Module, inputs: dict[str, Tensor], axes: dict[str, dict[int, str]], path: Path, whole: Sequence[str] = ()
) -> None:
    """Write an int8 file; the nodes in `whole` stay unquantised."""
    output = "logits" if "hidden" in inputs else "hidden"
    with tempfile.TemporaryDirectory() as space:
        exported = Path(space) / "exported.onnx"
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            exported,
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        quantize_dynamic(exported, path, weight_type=QuantType.QInt8, per_channel=True, nodes_to_exclude=list(whole))
