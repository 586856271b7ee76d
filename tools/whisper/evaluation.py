"""Word error of an exported model, by voice, on sentences never used in training.

Each utterance is transcribed twice: alone in the shortest window of the ladder that holds it, as analysis does, and by
faster-whisper in its padded 30 s window. The audio is telephone audio: 0.2 s of faint noise around the words, a random
level of -20…-3 dB, G.711 µ-law.
"""

import json
import random
from pathlib import Path

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel

from .augmentation import log_mel, silence_audio, upsample
from .sentences import Part, Sentence, draw, scenario_texts, split_sentences, words
from .synthesis import RATE_HZ, Clip, Espeak, from_ulaw, speak, to_ulaw
from .voices import OTHER_ENGINE_TEST_VOICES, SCENARIO_VOICES, TEST_VOICES
from .word_error import Count, count_errors

LADDER = (200, 300, 400, 600, 800, 1000, 1400, 2000, 3000)
TAIL_FRAMES = 30
"""Windows and shortest tail with which analysis reads the shipped model."""
TARGET_PERCENT = 6.0
Row = dict[str, str | float | bool | None]


def held_out(voices: tuple[str, ...], each: int, shuffled: bool) -> list[Clip]:
    """Clips of the test part: sentences of the grammar, or the share of shuffled words."""
    espeak = Espeak()
    rng = random.Random("test-voices")
    source = draw(Part.TEST, 20_240 if shuffled else 7)
    clips: list[Clip] = []
    for voice in voices:
        while len(clips) < each * (voices.index(voice) + 1):
            sentence = next(source)
            if sentence.shuffled is shuffled:
                clips.append(speak(espeak, sentence, voice, rng))
    return clips


def scenario_clips() -> list[Clip]:
    """Every scenario sentence in two scenario voices: known voices, unheard sentences."""
    espeak, rng = Espeak(), random.Random("scenarios")
    texts = sorted({piece for text in scenario_texts() for piece in split_sentences(text)})
    return [
        speak(
            espeak, Sentence(text, " ".join(words(text))), SCENARIO_VOICES[(index + step) % len(SCENARIO_VOICES)], rng
        )
        for index, text in enumerate(texts)
        for step in (0, 3)
    ]


def telephone_audio(clip: Clip, rng: np.random.Generator) -> np.ndarray:
    """A clip as 16 kHz floats from the line."""
    samples = np.pad(from_ulaw(clip.ulaw), RATE_HZ // 5) * 10 ** (rng.uniform(-20, -3) / 20)
    samples = samples + 10 ** (rng.uniform(-70, -50) / 20) * rng.standard_normal(samples.size)
    return upsample(from_ulaw(to_ulaw(samples)))


class Recogniser:
    """The exported model, used both ways."""

    def __init__(self, folder: Path) -> None:
        self._whisper = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True
        )
        tokenizer = self._whisper.hf_tokenizer
        self._tokenizer = tokenizer
        self._prompt = [tokenizer.token_to_id("<|startoftranscript|>"), tokenizer.token_to_id("<|notimestamps|>")]

    def short_window(self, audio: np.ndarray) -> tuple[str, float]:
        """Text and no-speech probability, in the shortest window of the ladder."""
        mel = log_mel(audio)
        window = next(frames for frames in LADDER if frames >= min(mel.shape[1] + TAIL_FRAMES, LADDER[-1]))
        features = np.zeros((1, 80, window), np.float32)
        features[0, :, : mel.shape[1]] = mel[:, :window]
        result = self._whisper.model.generate(
            ctranslate2.StorageView.from_array(features),
            [self._prompt],
            beam_size=1,
            max_length=448,
            return_no_speech_prob=True,
        )[0]
        return self._tokenizer.decode(result.sequences_ids[0]).strip(), result.no_speech_prob

    def padded(self, audio: np.ndarray) -> str:
        """Text from faster-whisper's own 30 s window."""
        segments, _ = self._whisper.transcribe(
            audio, language="en", beam_size=1, without_timestamps=True, condition_on_previous_text=False
        )
        return " ".join(segment.text.strip() for segment in segments)


def _measure(recogniser: Recogniser, clips: list[Clip], title: str, rows: list[Row], judged: bool = False) -> None:
    noise = np.random.default_rng(5)
    counts: dict[str, list[Count]] = {}
    for clip in clips:
        audio = telephone_audio(clip, noise)
        errors = [
            count_errors(clip.written, recogniser.short_window(audio)[0]),
            count_errors(clip.written, recogniser.padded(audio)),
        ]
        for name in (clip.voice, "all"):
            known = counts.setdefault(name, [Count(), Count()])
            counts[name] = [old + new for old, new in zip(known, errors, strict=True)]
    for name, (short, padded) in counts.items():
        target = TARGET_PERCENT if judged and name == "all" else None
        print(f"{title:34} {name:26} {short.words:6} {short.percent:8.2f} {padded.percent:8.2f}", flush=True)
        for way, count in (("short window", short), ("30 s window", padded)):
            rows.append(
                {
                    "metric": f"word error, {title}, {name}",
                    "value": count.percent,
                    "unit": "%",
                    "target": target,
                    "met": None if target is None else count.percent <= target,
                    "conditions": f"{way}, {count.words} words, G.711 µ-law, int8, beam 1",
                }
            )


def _measure_silence(recogniser: Recogniser, rows: list[Row]) -> None:
    rng = random.Random("silence")
    heard = quiet = 0
    total = 100
    for _ in range(total):
        text, no_speech = recogniser.short_window(silence_audio(rng))
        heard += bool(text)
        quiet += no_speech > 0.6
    print(f"{'rows without speech':34} {'given words':26} {heard} of {total}; no-speech over 0.6: {quiet} of {total}")
    rows.append(
        {
            "metric": "rows without speech that were given words",
            "value": heard,
            "unit": "%",
            "target": None,
            "met": None,
            "conditions": "silence, noise, tones and clicks, short window",
        }
    )


def evaluate(model: Path, each: int, output: Path | None) -> None:
    """Print the table, and write its rows as JSON if requested."""
    recogniser = Recogniser(model)
    rows: list[Row] = []
    print(f"{'word error, %':34} {'voice':26} {'words':>6} {'short':>8} {'30 s':>8}")
    _measure(recogniser, held_out(TEST_VOICES, each, False), "unheard voices and sentences", rows, judged=True)
    _measure(recogniser, held_out(OTHER_ENGINE_TEST_VOICES, each, False), "unheard speaker, other engine", rows)
    _measure(recogniser, held_out(TEST_VOICES, each // 4, True), "unheard voices, shuffled words", rows)
    _measure(recogniser, scenario_clips(), "scenario sentences, heard voices", rows)
    _measure_silence(recogniser, rows)
    met = all(row["met"] for row in rows if row["target"] is not None)
    print(f"at most {TARGET_PERCENT:.0f} % on unheard voices and sentences: {'met' if met else 'NOT met'}")
    if output is not None:
        output.write_text(json.dumps(rows, indent=1) + "\n")
