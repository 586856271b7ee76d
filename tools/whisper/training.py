"""The training: resumable, and limited by time rather than by a number of steps.

The learning rate warms up, then falls linearly with the seconds trained so far, so the training is complete after
`--seconds` whatever the machine's speed.
"""

import dataclasses
import json
import signal
import time
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch.utils.data import DataLoader

from . import pieces
from .augmentation import clean_mel
from .batches import Lexicon, Rows
from .network import Shape, Whisper
from .sentences import Part, vocabulary
from .synthesis import Clip, synthesise_held_out
from .training_losses import losses_of
from .voices import DEV_VOICES
from .word_error import Count, count_errors

WIDTH, HEADS, ENCODER_LAYERS, DECODER_LAYERS = 144, 3, 4, 2
PEAK_RATE = 1.5e-3
WARM_UP_SECONDS = 150.0
GUIDED_FROM = 0.15
"""Share of the training after which the phoneme head's alignment guides the rest."""
WINDOWS_FROM = 0.6
"""Share of the training after which some batches are padded to fixed windows."""
SAVE_EVERY_SECONDS = 240.0
DEV_CLIPS_PER_VOICE = 30


def learning_rate(seconds: float, total: float) -> float:
    """Rate after `seconds` of training."""
    warm = min(1.0, (seconds + 2.0) / WARM_UP_SECONDS)
    return PEAK_RATE * warm * max(0.005, 1.0 - seconds / total)


def encoder_weight(seconds: float, total: float) -> float:
    """Weight of the encoder's own losses: the encoder learns first, the decoder last."""
    return min(1.0, 1.3 - 1.1 * seconds / total)


def transcribe(model: Whisper, tokenizer: Tokenizer, clips: list[Clip]) -> list[str]:
    """Transcripts of clips by the model in training."""
    prompt = [tokenizer.token_to_id("<|startoftranscript|>"), tokenizer.token_to_id("<|notimestamps|>")]
    end = tokenizer.token_to_id("<|endoftext|>")
    texts: list[str] = [""] * len(clips)
    mels = sorted(((clean_mel(clip.ulaw), index) for index, clip in enumerate(clips)), key=lambda row: row[0].shape[1])
    for first in range(0, len(mels), 16):
        group = mels[first : first + 16]
        frames = group[-1][0].shape[1] + 20
        mel = torch.zeros(len(group), 80, frames + frames % 2)
        for row, (features, _) in zip(mel, group, strict=True):
            row[:, : features.shape[1]] = torch.from_numpy(features)
        for (_, index), ids in zip(group, model.greedy(mel, prompt, end), strict=True):
            texts[index] = tokenizer.decode(ids).strip()
    return texts


def measure(model: Whisper, tokenizer: Tokenizer, clips: list[Clip]) -> dict[str, float]:
    """Word error by voice and overall, in percent."""
    model.eval()
    by_voice: dict[str, Count] = {}
    for clip, text in zip(clips, transcribe(model, tokenizer, clips), strict=True):
        for name in (clip.voice, "all"):
            by_voice[name] = by_voice.get(name, Count()) + count_errors(clip.written, text)
    model.train()
    return {name: count.percent for name, count in by_voice.items()}


def train(folder: Path, seconds: float, threads: int) -> None:
    """Train on the chunks in `folder/corpus` until `seconds` of training are spent over all runs."""
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    tokenizer, lexicon = pieces.build(folder), Lexicon()
    shape = Shape(
        WIDTH, HEADS, ENCODER_LAYERS, DECODER_LAYERS, tokenizer.get_vocab_size(), lexicon.classes, len(vocabulary())
    )
    model = Whisper(shape)
    optimiser = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.01
    )
    checkpoint = folder / "checkpoint.pt"
    spent, steps, rows = 0.0, 0, 0
    if checkpoint.exists():
        state: dict[str, Any] = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        spent, steps, rows = state["spent"], state["steps"], state["rows"]
    dev = synthesise_held_out(folder / "dev.npz", Part.DEV, DEV_VOICES, DEV_CLIPS_PER_VOICE)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters / 1e6:.2f} M parameters, from step {steps}, {spent:.0f} of {seconds:.0f} s spent", flush=True)

    stop = False

    def ask_to_stop(*_: object) -> None:
        nonlocal stop
        stop = True

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)

    def save() -> None:
        state = {"model": model.state_dict(), "optimiser": optimiser.state_dict()}
        torch.save(
            state | {"spent": spent, "steps": steps, "rows": rows, "shape": dataclasses.asdict(shape)},
            checkpoint.with_suffix(".part"),
        )
        checkpoint.with_suffix(".part").rename(checkpoint)

    loader = iter(
        DataLoader(
            Rows(folder / "corpus", tokenizer, lexicon, steps, WINDOWS_FROM * seconds - spent),
            batch_size=None,
            num_workers=1,
            prefetch_factor=16,
        )
    )
    began, before = time.monotonic(), spent
    saved = shown = spent
    sums = torch.zeros(4)
    since = 0
    while spent < seconds and not stop:
        batch = next(loader)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(spent, seconds)
        losses = losses_of(model, batch, guided=spent > GUIDED_FROM * seconds)
        optimiser.zero_grad(set_to_none=True)
        losses.total(encoder_weight(spent, seconds)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        steps, rows, since = steps + 1, rows + len(batch["mel"]), since + 1
        sums += torch.stack((losses.words, losses.sounds, losses.frames, losses.gaze)).detach()
        spent = before + time.monotonic() - began
        if spent - shown > 30:
            words, sounds, framed, gaze = (sums / since).tolist()
            print(
                f"{spent:6.0f}/{seconds:.0f} s  step {steps}  rows {rows}  rate {learning_rate(spent, seconds):.2e}"
                f"  loss words {words:.3f} sounds {sounds:.3f} frames {framed:.3f} gaze {gaze:.3f}",
                flush=True,
            )
            sums, since, shown = torch.zeros(4), 0, spent
        if spent - saved > SAVE_EVERY_SECONDS:
            save()
            print("dev word error %", json.dumps(measure(model, tokenizer, dev)), flush=True)
            saved = spent
    save()
    print("dev word error %", json.dumps(measure(model, tokenizer, dev)), flush=True)
