"""Scenario files."""

from pathlib import Path

import pytest

from testcall import scenario
from testcall.scenario import PARTIES, Scenario, ScenarioError
from testcall.wav import WavError

GOOD = """
summary = "two words"
[voices]
agent = "jf_alpha"
customer = "joe"
[[turns]]
party = "agent"
text = "Hello."
[[turns]]
party = "customer"
text = "Terrible."
alert = "worsened"
pause_seconds = 1
"""


@pytest.mark.parametrize(
    ("name", "alerts"),
    [
        ("turns_angry", ("worsened",)),
        ("turns_and_recovers", ("worsened", "recovered")),
        ("arrives_upset", ()),
        ("calm_with_product_words", ()),
    ],
)
def test_scenarios_that_ship_declare_their_alerts(name: str, alerts: tuple[str, ...]) -> None:
    """The four scenarios load by name and declare what they must raise."""
    assert scenario.load(name).alerts == alerts
    assert name in scenario.names()


def test_defaults_are_those_of_the_readme(tmp_path: Path) -> None:
    """What a file leaves out has its default; what it says is taken."""
    path = tmp_path / "own.toml"
    path.write_text(GOOD)
    read = scenario.load(path)
    assert read.name == "own"
    assert [turn.pause_seconds for turn in read.turns] == [0.7, 1.0]
    timing = read.timing
    assert (timing.pace, timing.lead_seconds, timing.tail_seconds) == (1.0, 0.5, 1.0)
    assert read.audio_path("agent") == tmp_path / "audio" / "own-agent.wav"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('summary = "two words"', "", "`summary`"),
        ("summary", "sumary", "sumary"),
        ('party = "agent"', 'party = "manager"', r"manager.*turns\[.*party"),
        ('text = "Hello."', 'text = ""', r"turns\[.*text"),
        ('text = "Hello."', "text = 5", r"turns\[.*text"),
        ('alert = "worsened"', 'alert = "angry"', "angry"),
        ("pause_seconds = 1", "pause_seconds = -1", "pause_seconds"),
        ("pause_seconds = 1", "pause = 1", "`pause`"),
        ('agent = "jf_alpha"', 'agent = "-w/tmp/x"', r"voices.*agent"),
        ("[[turns]]", "[timing]\nspeed = 3\n[[turns]]", "speed"),
        ("[[turns]]", "[[turns", "Expected"),
        ("[voices]", 'agent_name = "An na"\n[voices]', "agent_name"),
    ],
)
def test_fault_is_named_with_the_file(tmp_path: Path, old: str, new: str, reason: str) -> None:
    """An unknown key or a bad value ends in one line with the file's path and the key's place."""
    path = tmp_path / "own.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ScenarioError, match=reason) as caught:
        scenario.load(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["turns_purple", "../scenarios/turns_angry", ""])
def test_unknown_name_says_which_there_are(name: str) -> None:
    """A name that does not ship is answered with those that do; a path must be of a TOML file."""
    with pytest.raises(ScenarioError, match="there are: arrives_upset, calm"):
        scenario.load(name)


def test_absent_files_are_named(tmp_path: Path) -> None:
    """A scenario, its audio and a manifest that are not there are each named by their path."""
    with pytest.raises(ScenarioError, match=r"own\.toml: No such file"):
        scenario.load(tmp_path / "own.toml")
    (tmp_path / "own.toml").write_text(GOOD)
    with pytest.raises(WavError, match=r"own-agent\.wav: No such file"):
        scenario.load(tmp_path / "own.toml").payloads("agent")
    with pytest.raises(ScenarioError, match=r"manifest\.json: No such file"):
        scenario.load_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "{}", '{"made_with": "x", "scenarios": {"a": {}}}'])
def test_broken_manifest_is_named(tmp_path: Path, text: str) -> None:
    """A manifest that is none is an error with its path."""
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ScenarioError, match=r"manifest\.json: "):
        scenario.load_manifest(tmp_path)


def test_payloads_are_shared(short_scenario: Scenario) -> None:
    """Calls of the same scenario play the same packets in memory, 50 a second."""
    again = scenario.load(short_scenario.path)
    for party in PARTIES:
        assert len(short_scenario.payloads(party)) == 50
        assert again.payloads(party) is short_scenario.payloads(party)
