"""sipp, which calls a bridge by one of the scripts in `sipp/`: what a PBX sends, in its order, and what it expects."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.sip_bridge.running import RunningBridge

SCRIPTS = Path(__file__).parent / "sipp"
MODES = {"udp": "u1", "tcp": "t1"}
SECONDS = 180
"""All calls are over by then, on a busy machine too."""


def play(
    script: str,
    to: RunningBridge,
    folder: Path,
    transport: str = "udp",
    calls: int = 1,
    a_second: int = 10,
    *options: str,
) -> None:
    """Place the calls, their Call-IDs the script's name and a number from 1; fail unless each goes as the script says.

    `folder`: for what sipp writes. `options`: more of sipp's own.
    """
    sipp = shutil.which("sipp")
    if sipp is None:
        pytest.skip("sipp is not installed (Debian: apt install sip-tester)")
    log = folder / f"{script}.log"
    order = [*options, "-i", "127.0.0.1", "-t", MODES[transport], "-cid_str", f"{script}-%u", "-nostdin"]
    order += ["-m", str(calls), "-r", str(a_second), "-l", str(calls), "-deadcall_wait", "0"]
    order += ["-timeout", str(SECONDS), "-timeout_error", "-trace_err", "-error_file", str(log)]
    target = "{}:{}".format(*to.address)
    played = subprocess.run(
        [sipp, target, "-sf", SCRIPTS / f"{script}.xml", *order], cwd=folder, capture_output=True, timeout=2 * SECONDS
    )
    said = log.read_text(errors="replace") if log.exists() else ""
    causes = re.findall(r"Aborting call.*", said)[:10] or [said[:2_000]]
    assert played.returncode == 0, f"sipp ended with {played.returncode}\n" + "\n".join(causes)
