"""Recorded calls: a WAV of each leg, and its words in a text file of the same name beside it."""

from __future__ import annotations

import wave
from pathlib import Path

from bench.words.clips import Clip, read


class CallError(Exception):
    """There is no call to read; one line with the reason."""


def recorded(folder: Path | None) -> list[Clip]:
    """The legs in a folder. Raises CallError."""
    if folder is None:
        raise CallError("CALLS names no folder")
    try:
        clips = [
            Clip(path.stem, read(path), path.with_suffix(".txt").read_text(encoding="utf-8"))
            for path in sorted(folder.glob("*.wav"))
            if path.with_suffix(".txt").is_file()
        ]
    except (OSError, UnicodeDecodeError, wave.Error) as error:
        raise CallError(str(error)) from None
    if not clips:
        raise CallError(f"{folder} holds no WAV with its words in a .txt of the same name")
    return clips
