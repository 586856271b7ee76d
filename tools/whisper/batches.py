"""Training rows in batches of similar length, made in a second process while the first one trains."""

# mypy: disallow-subclassing-any=false
# torch is not installed where this is type-checked

import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.utils.data import IterableDataset

from . import augmentation
from .sentences import vocabulary
from .synthesis import Clip, Espeak, read_chunk

NO_SPEECH_SHARE = 0.06
SNIPPET_SHARE = 0.12
"""Share of the rows; a tenth of the time."""
FRAMES_PER_BATCH = 5000
POOL_ROWS = 480
IGNORED = -100

WINDOWS = ((0.01, 3000), (0.01, 1400), (0.03, 1000), (0.07, 600))
"""Share of batches padded to a fixed window, as in inference; the rest get a short random tail."""

Batch = dict[str, Tensor]


class Lexicon:
    """Phonemes of every word, as class numbers for CTC: 0 is blank, 1 the gap between words."""

    def __init__(self) -> None:
        espeak = Espeak()
        said = {word: self._plain(espeak.phonemes(word)) for word in vocabulary()}
        symbols = sorted({symbol for phonemes in said.values() for symbol in phonemes})
        numbers = {symbol: index + 2 for index, symbol in enumerate(symbols)}
        self.classes = len(symbols) + 2
        self._words = {word: index + 1 for index, word in enumerate(vocabulary())}
        self._numbers = {word: [numbers[symbol] for symbol in phonemes] for word, phonemes in said.items()}

    @staticmethod
    def _plain(ipa: str) -> str:
        return "".join(symbol for symbol in ipa if symbol.isalpha() and symbol not in "ːˈˌ")

    def of(self, text: str) -> list[int]:
        """Class numbers of a text."""
        numbers: list[int] = []
        for word in text.split():
            numbers += ([1] if numbers else []) + self._numbers[word]
        return numbers

    def words(self, text: str) -> list[int]:
        """Class number of every word for the word head; 0 means no word."""
        return [self._words[word] for word in text.split()]

    def word_symbols(self, text: str) -> list[tuple[int, int]]:
        """First and last position of each word in the result of `of`."""
        places: list[tuple[int, int]] = []
        start = 0
        for word in text.split():
            places.append((start, start + len(self._numbers[word]) - 1))
            start += len(self._numbers[word]) + 1
        return places


class Deck:
    """Clips of one kind, dealt in random order; chunk files that appear later are shuffled in."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder, self._pattern = folder, f"train-{kind}-*.npz"
        self._clips: list[Clip] = []
        self._left: list[Clip] = []
        self._read: set[Path] = set()

    def deal(self, count: int, rng: random.Random) -> list[Clip]:
        """Take clips; no clip comes twice before all came once. Fewer if there are not enough."""
        fresh = [
            clip for path in sorted(set(self._folder.glob(self._pattern)) - self._read) for clip in self._open(path)
        ]
        self._clips += fresh
        self._left += fresh
        if len(self._left) < count:
            self._left = self._clips.copy()
            fresh = self._left
        if fresh:
            rng.shuffle(self._left)
        return [self._left.pop() for _ in range(min(count, len(self._left)))]

    def _open(self, path: Path) -> list[Clip]:
        self._read.add(path)
        return read_chunk(path)


class Rows(IterableDataset[Batch]):
    """Endless batches from the chunk files of a folder.

    Fixed windows take time and teach little at first: they start `windows_after` seconds from now.
    """

    def __init__(self, folder: Path, tokenizer: Tokenizer, lexicon: Lexicon, seed: int, windows_after: float) -> None:
        self._windows_at = time.monotonic() + windows_after
        self._folder, self._tokenizer, self._lexicon, self._seed = folder, tokenizer, lexicon, seed

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        rng = random.Random(self._seed)
        snippets, utterances = Deck(self._folder, "snippet"), Deck(self._folder, "utterance")
        while True:
            pool = snippets.deal(int(SNIPPET_SHARE * POOL_ROWS), rng)
            pool += utterances.deal(POOL_ROWS - len(pool), rng)
            yield from self._batches(pool, rng)

    def _batches(self, pool: list[Clip], rng: random.Random) -> Iterator[Batch]:
        rows = [(augmentation.telephone(clip.ulaw, rng), clip.written) for clip in pool]
        rows += [(augmentation.silence(rng), "") for _ in range(int(NO_SPEECH_SHARE * POOL_ROWS))]
        rows.sort(key=lambda row: row[0].shape[1] + rng.uniform(0, 10))
        groups: list[list[tuple[np.ndarray, str]]] = [[]]
        for row in rows:
            if groups[-1] and row[0].shape[1] * (len(groups[-1]) + 1) > FRAMES_PER_BATCH:
                groups.append([])
            groups[-1].append(row)
        rng.shuffle(groups)
        for group in groups:
            yield from self._pad(group, rng)

    def _pad(self, group: list[tuple[np.ndarray, str]], rng: random.Random) -> Iterator[Batch]:
        longest = max(features.shape[1] for features, _ in group)
        frames, dice = longest + rng.randint(0, 30), rng.random()
        for share, window in WINDOWS if time.monotonic() > self._windows_at else ():
            if dice < share:
                frames = max(window, longest)
                break
            dice -= share
        frames = min(3000, frames + frames % 2)
        step = max(2, FRAMES_PER_BATCH * 2 // frames)
        if len(group) > step:
            group = rng.sample(group, step)  # a padded window costs time by its length, so fewer rows
        yield self._batch(group, frames, rng)

    def _batch(self, group: list[tuple[np.ndarray, str]], frames: int, rng: random.Random) -> Batch:
        mel = np.zeros((len(group), 80, frames), np.float32)
        for row, (features, _) in zip(mel, group, strict=True):
            row[:, : features.shape[1]] = features[:, :frames]
        number = self._tokenizer.token_to_id
        start, end = number("<|startoftranscript|>"), number("<|endoftext|>")
        prompt = [start, number("<|notimestamps|>")]
        if rng.random() < 0.25:  # the prompt used for multilingual models
            prompt = [start, number("<|en|>"), number("<|transcribe|>"), number("<|notimestamps|>")]
        texts = [self._tokenizer.encode(" " + text).ids if text else [] for _, text in group]
        width = max(len(text) for text in texts) + len(prompt)
        tokens = torch.full((len(group), width), end)
        wanted = torch.full((len(group), width), IGNORED)
        for index, text in enumerate(texts):
            line = prompt + text
            tokens[index, : len(line)] = torch.tensor(line)
            goal = [*text, end]
            wanted[index, len(prompt) - 1 : len(prompt) - 1 + len(goal)] = torch.tensor(goal)
            wanted[index, 0] = prompt[1] if text else number("<|nospeech|>")
        said = [text for _, text in group]
        phonemes = [self._lexicon.of(text) for text in said]
        return {
            "mel": torch.from_numpy(mel),
            "tokens": tokens,
            "wanted": wanted,
            "phonemes": torch.tensor([number for line in phonemes for number in line], dtype=torch.long),
            "phoneme_counts": torch.tensor([len(line) for line in phonemes]),
            "words": torch.tensor([number for text in said for number in self._lexicon.words(text)], dtype=torch.long),
            "word_symbols": torch.tensor(
                [place for text in said for place in self._lexicon.word_symbols(text)], dtype=torch.long
            ).view(-1, 2),
            "word_counts": torch.tensor([len(text.split()) for text in said]),
            "first_text": torch.tensor(len(prompt) - 1),
            "frames": torch.tensor([min(frames, features.shape[1]) // 2 for features, _ in group]),
        }
