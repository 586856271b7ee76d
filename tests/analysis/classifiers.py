"""Real classifiers, small enough to be made in a test: ONNX, tokenizer.json, config.json.

The network sums a weight for each word and label, over the words that its mask lets through. Its file is written in
protobuf's wire form by hand (onnx.proto3 of ONNX IR version 8): tag = field number and wire type, then a varint or a
length and as many bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordLevel
from tokenizers.processors import TemplateProcessing

FLOAT, INT32, INT64 = 1, 6, 7
"""ONNX's TensorProto.DataType."""
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def classifier(
    folder: Path,
    labels: Sequence[str],
    words: Mapping[str, Mapping[str, float]],
    *,
    many: bool = False,
    bias: Mapping[str, float] | None = None,
    inputs: Sequence[str] = ("input_ids", "attention_mask"),
    integers: int = INT64,
    model: str = "model.onnx",
    config: Mapping[str, Any] | None = None,
) -> Path:
    """A classifier in `folder`; `words` gives the logits that a word adds, by label. Padding adds 50 to each label.

    Type ids other than 0 add to every label, too; `many`: a turn may have several labels.
    """
    vocabulary = [*SPECIAL, *words]
    table = np.array([[words.get(word, {}).get(label, 0.0) for label in labels] for word in vocabulary], np.float32)
    table[0] = 50
    start = np.array([(bias or {}).get(label, 0.0) for label in labels], np.float32)
    (folder / model).parent.mkdir(parents=True, exist_ok=True)
    (folder / model).write_bytes(_network(table, start, inputs, integers))
    (folder / "tokenizer.json").write_text(_tokenizer(vocabulary).to_str(), "utf-8")
    about = {
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "max_position_embeddings": 64,
        **({"problem_type": "multi_label_classification"} if many else {}),
        **(config or {}),
    }
    (folder / "config.json").write_text(json.dumps(about), "utf-8")
    return folder


def _tokenizer(vocabulary: Sequence[str]) -> Tokenizer:
    numbers = {word: number for number, word in enumerate(vocabulary)}
    tokenizer = Tokenizer(WordLevel(numbers, unk_token="[UNK]"))  # noqa: S106 -- no password
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tokenizer


def _network(table: np.ndarray[Any, Any], start: np.ndarray[Any, Any], inputs: Sequence[str], integers: int) -> bytes:
    """logits = sum over places of mask * table[id], plus the bias, plus the sum of the type ids."""
    nodes = [
        _node("Gather", ["table", "input_ids"], "each"),
        _node("Cast", ["attention_mask" if "attention_mask" in inputs else "input_ids"], "mask", to=FLOAT),
        _node("Unsqueeze", ["mask", "two"], "masks"),
        _node("Mul", ["each", "masks"], "masked"),
        _node("ReduceSum", ["masked", "one"], "summed", keepdims=0),
        _node("Add", ["summed", "start"], "plain" if "token_type_ids" in inputs else "logits"),
    ]
    if "token_type_ids" in inputs:
        nodes += [
            _node("Cast", ["token_type_ids"], "types", to=FLOAT),
            _node("ReduceSum", ["types", "one"], "typed", keepdims=1),
            _node("Add", ["plain", "typed"], "logits"),
        ]
    constants = {"table": table, "start": start, "one": np.array([1]), "two": np.array([2])}
    graph = [
        *(_field(1, node) for node in nodes),
        _field(2, b"classifier"),
        *(_field(5, _tensor(name, values)) for name, values in constants.items()),
        *(_field(11, _value(name, integers, ["batch", "places"])) for name in inputs),
        _field(12, _value("logits", FLOAT, ["batch", "labels"])),
    ]
    return b"".join([_field(1, 8), _field(7, b"".join(graph)), _field(8, _field(1, b"") + _field(2, 13))])


def _node(kind: str, taken: Sequence[str], given: str, **integers: int) -> bytes:
    """A NodeProto."""
    attributes = [
        _field(5, _field(1, name.encode()) + _field(3, value) + _field(20, 2)) for name, value in integers.items()
    ]
    names = [*(_field(1, name.encode()) for name in taken), _field(2, given.encode())]
    return b"".join([*names, _field(4, kind.encode()), *attributes])


def _tensor(name: str, values: np.ndarray[Any, Any]) -> bytes:
    """A TensorProto."""
    floats = values.dtype == np.float32
    raw = values.astype("<f4" if floats else "<i8").tobytes()
    dims = b"".join(_field(1, size) for size in values.shape)
    return dims + _field(2, FLOAT if floats else INT64) + _field(8, name.encode()) + _field(9, raw)


def _value(name: str, kind: int, dims: Sequence[str]) -> bytes:
    """A ValueInfoProto of a tensor whose sizes are named."""
    shape = b"".join(_field(1, _field(2, dim.encode())) for dim in dims)
    return _field(1, name.encode()) + _field(2, _field(1, _field(1, kind) + _field(2, shape)))


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
