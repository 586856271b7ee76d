"""Scenario files: who says what in which voice, how it is timed, and which alert each turn must raise."""

import json
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
import numpy as np

from testcall import codec, ulaw, wav
from testcall.codec import PCMU, Codec
from testcall.dialect import Voice
from testcall.metadata import Party
from testcall.rtp import packetise

SCENARIOS: Final = Path(__file__).parent / "scenarios"
MANIFEST: Final = "manifest.json"
PARTIES: Final[tuple[Party, ...]] = ("customer", "agent")

Seconds = Annotated[float, msgspec.Meta(ge=0, le=30)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
VoiceName = Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{2,40}$")]


class ScenarioError(ValueError):
    """A scenario that cannot be used; the message names the file and what is wrong with it."""


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one party says until the other one speaks."""

    party: Party
    text: Text
    alert: Literal["worsened", "recovered", ""] = ""
    """The alert that this turn must raise; empty for none."""
    pause_seconds: Seconds = 0.7
    """Silence before the turn; before the first one it comes after `lead_seconds`."""


class Timing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pace: Annotated[float, msgspec.Meta(ge=0.5, le=2)] = 1.0
    """How fast the voices speak, as a multiple of their own pace."""
    lead_seconds: Seconds = 0.5
    """Silence from the answer to the first turn's pause: recorders begin before people speak."""
    tail_seconds: Seconds = 1.0
    """Silence after the last turn, longer than any wait for the end of speech."""


class Voices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Voices that `python -m tools.voices` knows."""

    agent: VoiceName
    customer: VoiceName


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys of a scenario file."""

    summary: Text
    voices: Voices
    turns: Annotated[tuple[Turn, ...], msgspec.Meta(min_length=1, max_length=200)]
    agent_name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z]{0,40}$")] = ""
    timing: Timing = Timing()


class Scenario(Script, frozen=True, kw_only=True):
    """A scenario file, read and checked. Its audio lies beside it in `audio/NAME-PARTY.wav`."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def alerts(self) -> tuple[str, ...]:
        """The alerts that the whole call must raise, in their order."""
        return tuple(turn.alert for turn in self.turns if turn.alert)

    def audio_path(self, party: Party) -> Path:
        return self.path.parent / "audio" / f"{self.name}-{party}.wav"

    def payloads(self, voice: Voice, spoken_in: Codec = PCMU) -> tuple[bytes, ...]:
        """One leg's audio in RTP payloads, shared by all calls that play it; WavError if a file is none."""
        parties = PARTIES if voice == "mixed" else (voice,)
        return _payloads(tuple(self.audio_path(party) for party in parties), spoken_in)


class SpokenTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a turn lies in its leg's audio: seconds from the first packet, end of the last word."""

    party: Party
    start_seconds: float
    end_seconds: float
    text: str
    alert: str = ""


class Recording(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the manifest says about one scenario's audio."""

    seconds: float
    digest: str
    """Of all that was synthesised, to notice audio that no longer says what its scenario says."""
    turns: tuple[SpokenTurn, ...]


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`audio/manifest.json`: when each turn of each scenario is spoken."""

    made_with: str
    scenarios: dict[str, Recording]


def load(name_or_path: str | Path) -> Scenario:
    """A scenario by the name of one that ships, or by the path of a TOML file; ScenarioError if it is wrong."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        path = SCENARIOS / f"{name_or_path}.toml"
        if not path.is_file() or str(name_or_path) not in names():
            raise ScenarioError(f"no scenario {str(name_or_path)!r}; there are: {', '.join(names())}")
    try:
        with path.open("rb") as file:
            script = msgspec.convert(tomllib.load(file), Script)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    return Scenario(path=path, **msgspec.structs.asdict(script))


def names() -> list[str]:
    """The scenarios that ship with this package."""
    return sorted(path.stem for path in SCENARIOS.glob("*.toml"))


def load_manifest(folder: Path = SCENARIOS / "audio") -> Manifest:
    """When each turn is spoken, for the scenarios whose audio lies in the folder; ScenarioError if it is wrong."""
    path = folder / MANIFEST
    try:
        return msgspec.convert(json.loads(path.read_bytes()), Manifest)
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from error
    except (ValueError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path}: {error}") from error


@lru_cache(maxsize=64)
def _payloads(paths: tuple[Path, ...], spoken_in: Codec) -> tuple[bytes, ...]:
    """The files' audio in packets; that of several is added up."""
    audio = wav.read(paths[0])
    for path in paths[1:]:
        audio = _mixed(audio, wav.read(path))
    return codec.encode(spoken_in, packetise(audio))


def _mixed(one: bytes, other: bytes) -> bytes:
    length = max(len(one), len(other))
    padded = (each.ljust(length, bytes([ulaw.SILENCE])) for each in (one, other))
    total = sum(ulaw.decode(each).astype(np.int32) for each in padded)
    return ulaw.encode(np.clip(total, -32768, 32767).astype(np.int16))
