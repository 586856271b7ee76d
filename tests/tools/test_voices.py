"""The scenarios' audio: what ships, and how it is made."""

import sys
from pathlib import Path

import numpy as np
import pytest
import webrtcvad

from testcall import scenario, ulaw, wav
from testcall.scenario import PARTIES, Recording
from testcall.wav import SAMPLE_RATE_HZ
from tools.voices import __main__ as command
from tools.voices import sound
from tools.voices.recording import digest
from tools.voices.sound import MAX_INNER_PAUSE_SECONDS, shorten_pauses

FRAME = SAMPLE_RATE_HZ // 50
HANGOVER_SECONDS = 0.4
"""Silence that a bridge takes for the end of speech."""

MANIFEST = scenario.load_manifest()
LEGS = [(name, party) for name in scenario.names() for party in PARTIES]


def recording(name: str) -> Recording:
    return MANIFEST.scenarios[name]


def samples(name: str, party: str) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return ulaw.decode(wav.read(scenario.SCENARIOS / "audio" / f"{name}-{party}.wav"))


@pytest.mark.parametrize("name", scenario.names())
def test_audio_says_what_its_scenario_says(name: str) -> None:
    """The manifest's digest and turns are the scenario file's: audio that is out of date fails here."""
    read = scenario.load(name)
    assert recording(name).digest == digest(read), "run python -m tools.voices"
    told = [(turn.party, turn.text, turn.alert) for turn in recording(name).turns]
    assert told == [(turn.party, turn.text, turn.alert) for turn in read.turns]


@pytest.mark.parametrize("name", scenario.names())
def test_turns_follow_each_other(name: str) -> None:
    """Turns lie in order, each after its pause, and the call goes on for its tail."""
    read = scenario.load(name)
    before = read.timing.lead_seconds
    for turn, spoken in zip(read.turns, recording(name).turns, strict=True):
        assert spoken.start_seconds == pytest.approx(before + turn.pause_seconds, abs=0.002)
        assert spoken.end_seconds > spoken.start_seconds + 0.5
        before = spoken.end_seconds
    assert recording(name).seconds == pytest.approx(before + read.timing.tail_seconds, abs=0.06)


@pytest.mark.parametrize(("name", "party"), LEGS)
def test_leg_is_small_and_as_long_as_the_call(name: str, party: str) -> None:
    """Both legs of a call have its length, and the files stay small."""
    audio = samples(name, party)
    assert len(audio) == round(recording(name).seconds * SAMPLE_RATE_HZ)
    assert len(audio) < 500_000


@pytest.mark.parametrize(("name", "party"), LEGS)
def test_leg_speaks_in_its_turns_alone(name: str, party: str) -> None:
    """A turn is at speech level in its own leg; outside its turns a leg has faint noise, and no dead line."""
    audio = samples(name, party) / 32768
    outside = np.ones(len(audio), dtype=bool)
    for turn in recording(name).turns:
        if turn.party == party:
            part = slice(round(turn.start_seconds * SAMPLE_RATE_HZ), round(turn.end_seconds * SAMPLE_RATE_HZ))
            outside[part] = False
            assert np.sqrt(np.mean(audio[part] ** 2)) == pytest.approx(sound.SPEECH_LEVEL, rel=0.1)
    noise = audio[outside]
    assert 10 ** (-76 / 20) < np.sqrt(np.mean(noise**2)) < 10 ** (-66 / 20)
    assert not (noise[: len(noise) // 800 * 800].reshape(-1, 800) == 0).all(axis=1).any()


@pytest.mark.parametrize("aggressiveness", [2, 3])
@pytest.mark.parametrize(("name", "party"), LEGS)
def test_voice_detection_hears_each_turn_as_one(name: str, party: str, aggressiveness: int) -> None:
    """WebRTC's detector finds speech in every turn, no pause in one that ends it, and silence between them."""
    audio = samples(name, party)
    detector = webrtcvad.Vad(aggressiveness)
    frames = [audio[at : at + FRAME].tobytes() for at in range(0, len(audio) - FRAME + 1, FRAME)]
    voiced = np.array([detector.is_speech(frame, SAMPLE_RATE_HZ) for frame in frames])
    outside = np.ones(len(voiced), dtype=bool)
    for turn in recording(name).turns:
        if turn.party == party:
            inside = slice(round(turn.start_seconds * 50), round(turn.end_seconds * 50))
            outside[inside] = False
            heard = np.flatnonzero(voiced[inside])
            assert len(heard) > 0.75 * (inside.stop - inside.start)
            assert np.diff(heard).max() / 50 < HANGOVER_SECONDS
    assert voiced[outside].mean() < 0.05


def test_command_names_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A scenario that is none ends in one line and exit code 2."""
    assert command.main([str(tmp_path / "none.toml")]) == 2
    assert capsys.readouterr().err.endswith("none.toml: No such file or directory\n")


@pytest.mark.parametrize(
    ("voice", "cause"),
    [("nobody", "no voice 'nobody'; there are: joe, "), ("joe", "is not installed; see tools/voices/README.md")],
)
def test_a_voice_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], voice: str, cause: str
) -> None:
    """A voice that is unknown, or whose package is missing, ends in one line and exit code 2."""
    monkeypatch.setitem(sys.modules, "piper", None)
    path = tmp_path / "own.toml"
    path.write_text(
        f'summary = "x"\nvoices = {{ agent = "{voice}", customer = "joe" }}\n'
        'turns = [{ party = "agent", text = "Hi." }]\n'
    )
    assert command.main([str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tools.voices: ")
    assert cause in line


def tone(hz: float, rate_hz: int, seconds: float = 1.0) -> sound.Signal:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(rate_hz * seconds)) / rate_hz)


@pytest.mark.parametrize(("hz", "passes"), [(50, 0.0), (300, 1.0), (1000, 1.0), (3400, 1.0), (3900, 0.0), (7000, 0.0)])
def test_telephone_band_is_kept(hz: float, passes: float) -> None:
    """Tones of the telephone band keep their level at 8 kHz; those outside, and their images, are gone."""
    heard = sound.to_telephone(tone(hz, 22050), 22050)
    assert len(heard) == pytest.approx(1.2 * SAMPLE_RATE_HZ, abs=1)
    middle = heard[2000:7000]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(passes * 0.5 / np.sqrt(2), abs=0.01)


@pytest.mark.parametrize(("pause_seconds", "left_seconds"), [(0.1, 0.1), (0.25, 0.25), (0.9, MAX_INNER_PAUSE_SECONDS)])
def test_pauses_are_held_short(pause_seconds: float, left_seconds: float) -> None:
    """Silence at the ends goes, a pause inside keeps a quarter of a second at most, and sound stays whole."""
    sound = tone(440, SAMPLE_RATE_HZ, 0.5)
    edge = np.zeros(SAMPLE_RATE_HZ // 4)
    inside = np.zeros(round(pause_seconds * SAMPLE_RATE_HZ))
    left = shorten_pauses(np.concatenate([edge, sound, inside, sound, edge]))
    assert len(left) / SAMPLE_RATE_HZ == pytest.approx(1.0 + left_seconds, abs=0.021)
    assert np.sum(left**2) == pytest.approx(2 * np.sum(sound**2), rel=1e-3)
