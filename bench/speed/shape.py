"""A Whisper of any size with random weights: what it reads is nonsense, what it costs is the same.

CTranslate2's own specification writes the folder, without torch and without any checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import WhisperSpec

LANGUAGES = 100
TEXT_TOKENS = 50_257
TIMESTAMPS = 1_501
POSITIONS, LENGTH = 1_500, 448
"""Of audio after the convolutions, and of text."""
SPREAD = 0.02
"""Standard deviation of the weights: as at the start of training, so that sums stay within float16."""

Weights = np.typing.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a Whisper."""

    bands: int
    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int


TURBO = Shape(bands=128, width=1_280, heads=20, encoder_layers=32, decoder_layers=4)
"""large-v3-turbo, as in its config.json."""


def vocabulary() -> list[str]:
    """The 51,866 tokens of large-v3 and large-v3-turbo in their order; text and languages are mere numbers."""
    return [
        *(f"t{number}" for number in range(TEXT_TOKENS)),
        "<|endoftext|>",
        "<|startoftranscript|>",
        *(f"<|l{number}|>" for number in range(LANGUAGES)),
        *(f"<|{name}|>" for name in ("translate", "transcribe", "startoflm", "startofprev", "nospeech")),
        "<|notimestamps|>",
        *(f"<|{0.02 * number:.2f}|>" for number in range(TIMESTAMPS)),
    ]


def build(shape: Shape, folder: Path, compute_type: str, seed: int = 1) -> None:
    """Write `model.bin`, `config.json` and the vocabulary into an existing, empty folder."""
    tokens = vocabulary()
    spec = _filled(shape, len(tokens), np.random.default_rng(seed))
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = list(range(TEXT_TOKENS + 2, TEXT_TOKENS + 2 + LANGUAGES))
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    spec.optimize(quantization=compute_type)
    spec.save(str(folder))


def _filled(shape: Shape, tokens: int, lot: np.random.Generator) -> Any:
    spec: Any = WhisperSpec(shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads)
    width = shape.width

    def normal(*size: int) -> Weights:
        drawn: Weights = lot.standard_normal(size, np.float32)
        drawn *= SPREAD
        return drawn

    encoder, decoder = spec.encoder, spec.decoder
    for conv, bands in ((encoder.conv1, shape.bands), (encoder.conv2, width)):
        conv.weight, conv.bias = normal(width, bands, 3), normal(width)
    encoder.position_encodings.encodings = normal(POSITIONS, width)
    decoder.position_encodings.encodings = normal(LENGTH, width)
    decoder.embeddings.weight = normal(tokens, width)
    decoder.projection.weight = decoder.embeddings.weight
    for layer in encoder.layer:
        _attention(layer.self_attention, (3, 1), width, normal)
        _feed_forward(layer.ffn, width, normal)
    for layer in decoder.layer:
        _attention(layer.self_attention, (3, 1), width, normal)
        _attention(layer.attention, (1, 2, 1), width, normal)
        _feed_forward(layer.ffn, width, normal)
    for norm in (encoder.layer_norm, decoder.layer_norm):
        _norm(norm, width)
    return spec


def _attention(spec: Any, parts: tuple[int, ...], width: int, normal: Callable[..., Weights]) -> None:
    """`parts`: how many of query, key, value and output each linear layer makes at once."""
    _norm(spec.layer_norm, width)
    for linear, part in zip(spec.linear, parts, strict=True):
        linear.weight, linear.bias = normal(part * width, width), normal(part * width)


def _feed_forward(spec: Any, width: int, normal: Callable[..., Weights]) -> None:
    _norm(spec.layer_norm, width)
    spec.linear_0.weight, spec.linear_0.bias = normal(4 * width, width), normal(4 * width)
    spec.linear_1.weight, spec.linear_1.bias = normal(width, 4 * width), normal(width)


def _norm(spec: Any, width: int) -> None:
    spec.gamma, spec.beta = np.ones(width, np.float32), np.zeros(width, np.float32)
