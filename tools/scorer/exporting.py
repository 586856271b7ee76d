"""A trained network as the folder that analysis.feeling reads: int8 ONNX, tokenizer, and what it means."""

# mypy: disallow-subclassing-any=false
# torch is not in the environment that is checked

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from torch import Tensor, nn

from tools.scorer.calibration import PLAIN
from tools.scorer.examples import CORES
from tools.scorer.network import Network

OPSET = 17


class Judging(nn.Module):
    """The network as one function of a call's latest turns, of which it judges the last."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor, kinds: Tensor, turns: Tensor, places: Tensor) -> Tensor:
        """Logits, shape (rows, 11); the inputs have shape (rows, tokens)."""
        hidden = self.network.relate(self.network.read(ids, places, turns), kinds, turns)
        return self.network.judge(hidden, (turns == turns.amax(1, keepdim=True)).float())


def export(network: Network, tokenizer: Tokenizer, folder: Path, *, tokens: int) -> None:
    """Write model.onnx, tokenizer.json and feeling.json."""
    folder.mkdir(parents=True, exist_ok=True)
    network.eval()
    example = torch.tensor([[101, 2023, 2003, 101, 2196]])
    turns, places = torch.tensor([[0, 0, 0, 1, 1]]), torch.tensor([[0, 1, 2, 0, 1]])
    axes = {name: {0: "rows", 1: "tokens"} for name in ("ids", "kinds", "turns", "places")}
    with tempfile.TemporaryDirectory() as space:
        whole = Path(space) / "whole.onnx"
        torch.onnx.export(
            Judging(network),
            (example, torch.zeros_like(example), turns, places),
            whole,
            input_names=list(axes),
            output_names=["logits"],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
        quantize_dynamic(whole, folder / "model.onnx", weight_type=QuantType.QInt8)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    about = {"cores": CORES, "tokens": tokens, **asdict(PLAIN)}
    (folder / "feeling.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")
