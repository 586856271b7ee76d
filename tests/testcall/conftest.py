from pathlib import Path

import pytest
from hypothesis import settings

from testcall import scenario, wav
from testcall.scenario import PARTIES, Scenario

# The machines that run these tests have other work too: time limits of single examples would fail at random.
settings.register_profile("callvane", deadline=None)
settings.load_profile("callvane")

SHORT = """
summary = "one word each"
agent_name = "Anna"
voices = { agent = "jf_alpha", customer = "joe" }
turns = [{ party = "customer", text = "Hello." }, { party = "agent", text = "Hello.", alert = "recovered" }]
"""


@pytest.fixture
def short_scenario(tmp_path: Path) -> Scenario:
    """A call of one second whose legs are constant bytes: 0x11 the customer's, 0x22 the agent's."""
    path = tmp_path / "short.toml"
    path.write_text(SHORT)
    (tmp_path / "audio").mkdir()
    read = scenario.load(path)
    for party, byte in zip(PARTIES, (b"\x11", b"\x22"), strict=True):
        wav.write(read.audio_path(party), byte * 8000)
    return read
