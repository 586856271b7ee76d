"""The training losses and their weights.

The phoneme head learns by CTC. Once it can locate the phonemes, its alignment teaches every encoder frame its word,
and some decoder heads where to look. Without it the decoder takes hours to find its place in the audio.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .alignment import best_path, word_spans
from .batches import IGNORED, Batch
from .network import Whisper

GUIDED_HEADS = 2
GUIDED_SLACK = 2
"""Frames on each side of a word that a guided head may also look at."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Losses of a batch: decoder, phonemes (CTC), words by frame, attention of the decoder."""

    words: Tensor
    sounds: Tensor
    frames: Tensor
    gaze: Tensor

    def total(self, encoder_weight: float) -> Tensor:
        """The value to minimise."""
        return self.words + encoder_weight * (self.sounds + self.frames + 0.5 * self.gaze)


def losses_of(model: Whisper, batch: Batch, guided: bool) -> Losses:
    """Losses of a batch; without guidance the alignment is not used."""
    audio = model.encoder(batch["mel"])
    logits, gazes = model.decoder.attend(batch["tokens"], audio)
    words = functional.cross_entropy(
        logits.flatten(0, 1), batch["wanted"].flatten(), ignore_index=IGNORED, label_smoothing=0.1
    )
    chances = model.phoneme_head(audio).log_softmax(-1)
    sounds = functional.ctc_loss(
        chances.transpose(0, 1), batch["phonemes"], batch["frames"], batch["phoneme_counts"], zero_infinity=True
    )
    none = torch.zeros(())
    if not guided:
        return Losses(words, sounds, none, none)
    labels, look = _alignment(chances.detach().numpy(), batch)
    frames = functional.cross_entropy(model.word_head(audio).flatten(0, 1), labels.flatten())
    counted = look.any(-1)
    if not bool(counted.any()):
        return Losses(words, sounds, frames, none)
    gaze = none
    for gazed in gazes:
        mass = (gazed[:, :GUIDED_HEADS] * look[:, None]).sum(-1).transpose(1, 2)[counted]
        gaze = gaze - (mass + 1e-4).log().mean() / len(gazes)
    return Losses(words, sounds, frames, gaze)


def _alignment(chances: np.ndarray, batch: Batch) -> tuple[Tensor, Tensor]:
    """Word of every frame (0: none), and [rows, tokens, frames] where each predicting token should look."""
    frames: list[int] = batch["frames"].tolist()
    lines = [part.tolist() for part in batch["phonemes"].split(batch["phoneme_counts"].tolist())]
    counts = batch["word_counts"].tolist()
    numbers = [part.tolist() for part in batch["words"].split(counts)]
    places = [part.numpy() for part in batch["word_symbols"].split(counts)]
    rows, length, _ = chances.shape
    labels = torch.zeros(rows, length, dtype=torch.long)
    look = torch.zeros(rows, batch["tokens"].shape[1], length)
    first = int(batch["first_text"])
    for row, symbols in enumerate(best_path(chances, lines, frames)):
        for place, (start, stop) in enumerate(word_spans(symbols, places[row], frames[row])):
            labels[row, start:stop] = numbers[row][place]
            look[row, first + place, max(0, start - GUIDED_SLACK) : stop + GUIDED_SLACK] = 1.0
    return labels, look
