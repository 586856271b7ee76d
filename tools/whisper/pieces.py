"""The tokenizer: a byte-level BPE merged until each word of the grammar is one piece, then Whisper's special tokens.

Whole words, because their sound has clear bounds, while sub-word pieces ("c", "ough") have no sound of their own.
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from .sentences import vocabulary

TIMESTAMPS = 1501
MOST_PIECES = 8000

_FORCED_MERGES = [("Ġ", "-"), ("Ġ", "'")]
"""faster-whisper suppresses the first token of " -" and " '": without these merges it would suppress the space."""

_SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)


def build(folder: Path) -> Tokenizer:
    """The folder's tokenizer; built from the vocabulary and saved there the first time."""
    path = folder / "tokenizer.json"
    if path.exists():
        return Tokenizer.from_file(str(path))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    learner.train_from_iterator(
        ["Ġ" + word for word in vocabulary()],
        trainers.BpeTrainer(vocab_size=MOST_PIECES, min_frequency=1, initial_alphabet=alphabet, show_progress=False),
    )
    learned = [tuple(merge) for merge in json.loads(learner.to_str())["model"]["merges"]]
    merges = _FORCED_MERGES + [merge for merge in learned if merge not in _FORCED_MERGES]
    pieces = dict.fromkeys(alphabet + ["".join(merge) for merge in merges])
    tokenizer = Tokenizer(models.BPE(vocab={piece: index for index, piece in enumerate(pieces)}, merges=merges))
    # No split inside a word: "it's" stays one token.
    space = pre_tokenizers.Split(Regex(r" ?[^ ]+| +"), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [space, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    stamps = [f"<|{index * 0.02:.2f}|>" for index in range(TIMESTAMPS)]
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in (*_SPECIAL, *stamps)])
    for word in vocabulary():
        if len(tokenizer.encode(" " + word).ids) != 1:
            raise RuntimeError(f"{word} is not one piece")
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return tokenizer
