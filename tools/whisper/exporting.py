"""Exports the latest checkpoint as a CTranslate2 int8 model, with the files faster-whisper needs to stay offline."""

import json
import random
import shutil
import wave
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from ctranslate2.converters.transformers import WhisperLoader
from tokenizers import Tokenizer

from .network import Shape, Whisper
from .sentences import Sentence
from .synthesis import RATE_HZ, Espeak, from_ulaw, speak

_PREPROCESSOR = {"feature_size": 80, "sampling_rate": 16000, "hop_length": 160, "chunk_length": 30, "n_fft": 400}
_KNOWN_ANSWER = "i have checked your order number"
"""Said in the clip that analysis transcribes at start-up, to check that the device computes at all."""


def write_known_answer(target: Path) -> None:
    """Write the clip, 16-bit PCM at 8 kHz, and its words."""
    clip = speak(Espeak(), Sentence(_KNOWN_ANSWER, _KNOWN_ANSWER), "en-gb+m3", random.Random(1))
    samples = np.pad(from_ulaw(clip.ulaw) * 0.5, RATE_HZ // 10)
    with wave.open(str(target / "known_answer.wav"), "wb") as audio:
        audio.setparams((1, 2, RATE_HZ, 0, "NONE", "not compressed"))
        audio.writeframes((samples * 32767).astype("<i2").tobytes())
    (target / "known_answer.txt").write_text(_KNOWN_ANSWER + "\n")


def load_checkpoint(folder: Path) -> tuple[Whisper, Shape]:
    """The network of a work folder's latest checkpoint."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    shape = Shape(**state["shape"])
    model = Whisper(shape)
    model.load_state_dict(state["model"])
    return model.eval(), shape


def export(folder: Path, target: Path) -> None:
    """Write `model.bin` and its companions to `target`, without the training heads."""
    model, shape = load_checkpoint(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    config = SimpleNamespace(
        encoder_layers=shape.encoder_layers,
        encoder_attention_heads=shape.heads,
        decoder_layers=shape.decoder_layers,
        decoder_attention_heads=shape.heads,
    )
    # The converter finds modules by their names in transformers, which ours share.
    likeness = SimpleNamespace(
        config=config, model=model, proj_out=SimpleNamespace(weight=model.decoder.embed_tokens.weight, bias=None)
    )
    spec = WhisperLoader().get_model_spec(likeness)
    spec.register_vocabulary([str(tokenizer.id_to_token(index)) for index in range(shape.tokens)])
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []  # allow an empty transcript, for noise
    spec.config.lang_ids = [tokenizer.token_to_id("<|en|>")]
    spec.config.alignment_heads = [
        (layer, head) for layer in range(shape.decoder_layers // 2, shape.decoder_layers) for head in range(shape.heads)
    ]
    spec.validate()
    spec.optimize(quantization="int8")
    target.mkdir(parents=True, exist_ok=True)
    spec.save(str(target))
    shutil.copyfile(folder / "tokenizer.json", target / "tokenizer.json")
    (target / "preprocessor_config.json").write_text(json.dumps(_PREPROCESSOR, indent=2) + "\n")
    write_known_answer(target)
    size = sum(path.stat().st_size for path in target.iterdir() if path.is_file())
    print(f"exported to {target}, {size / 1e6:.1f} MB")
