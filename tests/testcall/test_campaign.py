"""Many calls, and the command that places them."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from testcall.__main__ import main
from testcall.campaign import Campaign, Tally
from testcall.metadata import load_dialect
from testcall.placed_call import Ending
from testcall.rtp import RtpSender, Stream
from testcall.scenario import Scenario
from testcall.target import parse_target
from tests.testcall.server import serving

ROOT = Path(__file__).parents[2]


async def test_calls_run_at_once(short_scenario: Scenario, tmp_path: Path) -> None:
    """Calls start at their rate, overlap, have Call-IDs of their own, and all end properly."""
    said: list[str] = []
    tally = Tally()
    async with serving("two_streams", "tcp", tmp_path, calls=5) as server:
        target = parse_target(server.target)
        campaign = Campaign([short_scenario], target, load_dialect("rfc7865"), calls=5, calls_per_second=10)
        await campaign.run(said.append, tally)
        assert await server.succeeded()
    assert tally.endings == {Ending.COMPLETED: 5}
    assert tally.proper
    assert tally.packets_sent == 500
    assert tally.lateness.packets >= 500
    assert len({line.rpartition(" ")[2] for line in said if ": calling " in line}) == 5
    assert all(": calling " in line for line in said[:5])  # each before the first ends


async def test_ended_calls_are_replaced(short_scenario: Scenario, tmp_path: Path) -> None:
    """With repeat, a call that ends is followed by another one; cancelled, the ones in the air hang up."""
    tally = Tally()
    async with serving("two_streams", "udp", tmp_path, calls=4) as server:
        target = parse_target(server.target)
        dialect = load_dialect("rfc7865")
        campaign = Campaign([short_scenario], target, dialect, "udp", calls=2, calls_per_second=10, repeat=True)
        running = asyncio.create_task(campaign.run(lambda _: None, tally))
        async with asyncio.timeout(60):
            while tally.endings.total() < 2:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        running.cancel()
        await asyncio.wait([running])
        assert await server.succeeded()
    assert tally.endings == {Ending.COMPLETED: 2, Ending.HUNG_UP: 2}
    assert tally.proper


async def test_many_streams_are_sent_in_time() -> None:
    """A hundred streams leave complete, and none before its time."""
    sent: list[bytes] = []
    ended: list[bool] = []
    sender = RtpSender()
    sending = asyncio.create_task(sender.run())
    started = time.monotonic()
    streams = [Stream([bytes(160)] * 50, sent.append, lambda: ended.append(True)) for _ in range(100)]
    for stream in streams:
        sender.add([stream])
    async with asyncio.timeout(60):
        while len(ended) < 100:
            await asyncio.sleep(0.02)
    assert time.monotonic() - started >= 0.98
    assert len(sent) == 5000
    sending.cancel()
    await asyncio.wait([sending])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["turns_purple"], "no scenario 'turns_purple'"),
        (["none.toml"], "none.toml: No such file"),
        (["--target", "127.0.0.1"], "no SIP address"),
        (["--dialect", "vulcan"], "no dialect 'vulcan'"),
    ],
)
def test_bad_file_or_address_is_one_line(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be used is named in one line on standard error, with exit code 2 and no call placed."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert reason in captured.err
    assert captured.err.count("\n") == 1


def test_wav_that_is_none_is_one_line(short_scenario: Scenario, capsys: pytest.CaptureFixture[str]) -> None:
    """Audio that cannot be played is named before the first call is placed."""
    short_scenario.audio_path("agent").write_bytes(b"ID3 a song")
    assert main([str(short_scenario.path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    fault = "not a WAV file with audio (Invalid data found when processing input)"
    assert captured.err.endswith(f"short-agent.wav: {fault}\n")


@pytest.mark.parametrize("arguments", [["--calls", "0"], ["--calls", "x"], ["--rate", "0"], ["--rate", "inf"], ["--x"]])
def test_bad_option_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An option out of its range ends with exit code 2 and a line that names it."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_list_names_the_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    """--list tells each scenario with its alerts, and places no call."""
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "arrives_upset",
        "calm_with_product_words",
        "turns_and_recovers",
        "turns_angry",
    ]
    assert "[worsened, recovered]" in lines[2]


async def command(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "testcall", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_command_places_a_call(short_scenario: Scenario, tmp_path: Path) -> None:
    """The command tells the call's progress and ends with 0 when it went well."""
    async with serving("two_streams", "tcp", tmp_path) as server:
        process = await command("--target", server.target, str(short_scenario.path))
        out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert b"short: completed (200 OK) after 1." in out
    assert b"calls: 1 completed; 100 packets sent" in out


async def test_command_fails_with_a_refused_call(short_scenario: Scenario, tmp_path: Path) -> None:
    """A call that was not answered ends the command with 1."""
    async with serving("refuses", "udp", tmp_path) as server:
        process = await command("--target", f"{server.target};transport=udp", str(short_scenario.path))
        out, err = await process.communicate()
    assert (process.returncode, err) == (1, b"")
    assert b"short: refused (503 Service Unavailable)" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signal_hangs_up(number: int, short_scenario: Scenario, tmp_path: Path) -> None:
    """Ctrl-C or SIGTERM in mid-call sends the BYE; the calls that were in the air have ended properly."""
    async with serving("two_streams", "tcp", tmp_path) as server:
        process = await command("--target", server.target, "--repeat", "--calls", "1", str(short_scenario.path))
        assert process.stdout is not None
        await process.stdout.readline()
        await asyncio.sleep(0.5)
        os.kill(process.pid, number)
        out, err = await process.communicate()
        assert await server.succeeded()
    assert (process.returncode, err) == (0, b"")
    assert b"hung up (200 OK)" in out
