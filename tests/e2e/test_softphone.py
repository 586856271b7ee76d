"""Somebody tries Callvane with a softphone: a real baresip dials what the page says, and speaks a recorded prompt."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import httpx
import pytest

from bench.words.clips import Clip, prompts
from callbus import Transcript
from callbus.redis.bus import Bus
from callbus.redis.settings import RedisSettings
from testcall.stack import Stack
from tests.e2e.test_scenarios import READING, word_errors
from tests.published import until_ended

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PROMPT = "en/demo-echotest"
SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
MODULES = "/usr/lib/baresip/modules"
SAID_SECONDS = 2.0
"""How long after the last word the person hangs up."""


@pytest.fixture
def prompt() -> Clip:
    """What the person says: a few sentences in a woman's voice."""
    if shutil.which("baresip") is None:
        pytest.skip("baresip is not installed (apt-get install baresip-core)")
    try:
        return next(clip for clip in prompts(Path("/"), "en") if clip.name == PROMPT)
    except OSError as error:
        pytest.skip(f"Debian's asterisk-core-sounds-en and -en-wav are not installed: {error}")


async def dial(address: str, clip: Clip, folder: Path) -> None:
    """Call as a softphone that is configured for no more than its sound."""
    (folder / "config").write_text(
        f"module_path {MODULES}\nmodule account.so\nmodule g711.so\nmodule aufile.so\nmodule_app menu.so\n"
        f"audio_source aufile,{SOUNDS / clip.name.partition('/')[2]}.wav\naudio_player aufile,{folder}/heard.wav\n"
        "statmode_default off\nsip_listen 0.0.0.0:0\n"
    )
    (folder / "accounts").write_text("<sip:person@example.com>;regint=0\n")
    (folder / "contacts").touch()
    phone = await asyncio.create_subprocess_exec(
        *("baresip", "-f", str(folder), "-t", str(round(clip.seconds + SAID_SECONDS)), "-e", f"/dial {address}"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await asyncio.wait_for(phone.communicate(), clip.seconds + 60)
    assert b"Call established" in told, told.decode(errors="replace")


async def test_what_somebody_says_is_read_on_the_page(prompt: Clip, tmp_path: Path) -> None:
    """The page names an address; whoever dials it is heard as a customer, and their words are on the page."""
    async with (
        Stack(print, READING) as stack,
        Bus(RedisSettings(url=stack.redis_url)) as bus,
        httpx.AsyncClient(base_url=stack.console_url) as browser,
    ):
        page = (await browser.get("/")).text
        (address,) = re.findall(r'<p id="softphone".*?<code>(.*?)</code>', page, re.DOTALL)
        assert address == stack.softphone
        await dial(address, prompt, tmp_path)
        (call_id,) = {each.call_id for each in await until_ended(bus)}
        transcripts = [each for each in await until_ended(bus, call_id) if isinstance(each, Transcript)]
        calls = (await browser.get("/api/calls")).text
    read = " ".join(each.text for each in transcripts)
    print("said:", prompt.said, "\nread:", read)
    assert {each.role for each in transcripts} == {"customer"}
    assert word_errors(prompt.said, read) <= 0.15
    assert transcripts[-1].text in calls
