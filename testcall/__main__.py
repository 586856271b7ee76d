"""`python -m testcall`: places test calls and says how they went."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence

from testcall import scenario
from testcall.campaign import Campaign, Tally, allow_many_sockets
from testcall.digest import Credentials
from testcall.metadata import DialectError, dialect_names, load_dialect
from testcall.scenario import PARTIES, ScenarioError
from testcall.target import TargetError, parse_target
from testcall.wav import WavError

PASSWORD = "TESTCALL_PASSWORD"  # noqa: S105 -- the name of a variable
EXIT_FAILED_CALLS = 1
EXIT_BAD_ARGUMENTS = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every call was answered and ended properly, 1 if one was not, 2 for bad arguments or files."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="testcall: %(message)s")
    try:
        if options.list:
            _list()
            return 0
        campaign = _campaign(options)
    except (ScenarioError, DialectError, WavError, TargetError) as error:
        print(f"testcall: {error}", file=sys.stderr)
        return EXIT_BAD_ARGUMENTS
    allow_many_sockets()
    tally = Tally()
    asyncio.run(_run(campaign, tally))
    _summarise(tally)
    return 0 if tally.proper else EXIT_FAILED_CALLS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m testcall",
        description="Places forked calls as a PBX's recorder does: SIPREC and two RTP streams at real time.",
    )
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help="a scenario's name or its TOML file; all, if none is named"
    )
    parser.add_argument("--list", action="store_true", help="say which scenarios there are, and place no call")
    parser.add_argument("--target", default="sip:127.0.0.1:5060", help="whom to call (default: %(default)s)")
    parser.add_argument(
        "--transport", choices=("udp", "tcp", "tls"), help="default: the target's ;transport=, else tcp"
    )
    parser.add_argument("--dialect", default="rfc7865", help=f"{', '.join(dialect_names())} (default: %(default)s)")
    parser.add_argument(
        "--calls",
        type=_count,
        metavar="N",
        help="calls in all, with --repeat at once (default: one for each scenario)",
    )
    parser.add_argument(
        "--rate", type=_rate, default=1.0, metavar="R", help="new calls a second at the start (default: %(default)s)"
    )
    parser.add_argument(
        "--user", default="", help=f"proves, with the password in the environment's {PASSWORD}, who calls"
    )
    parser.add_argument("--repeat", action="store_true", help="replace each call that ends, until Ctrl-C")
    return parser


def _campaign(options: argparse.Namespace) -> Campaign:
    scenarios = [scenario.load(name) for name in options.scenarios or scenario.names()]
    for each in scenarios:
        for party in PARTIES:
            each.payloads(party)  # a WAV that is none is found before the first call
    target = parse_target(options.target)
    return Campaign(
        scenarios,
        target,
        load_dialect(options.dialect),
        transport=options.transport or target.transport or "tcp",
        calls=options.calls or len(scenarios),
        calls_per_second=options.rate,
        credentials=Credentials(options.user, os.environ.get(PASSWORD, "")) if options.user else None,
        repeat=options.repeat,
    )


async def _run(campaign: Campaign, tally: Tally) -> None:
    """Runs until the campaign is over or a signal comes; then every call gets its BYE."""
    running = asyncio.create_task(campaign.run(lambda line: print(line, flush=True), tally))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running


def _list() -> None:
    for name in scenario.names():
        each = scenario.load(name)
        print(f"{name}  [{', '.join(each.alerts) or 'no alert'}]  {each.summary}")


def _summarise(tally: Tally) -> None:
    endings = ", ".join(f"{count} {ending}" for ending, count in sorted(tally.endings.items())) or "none"
    unsent = f" and {tally.packets_unsent} unsent" if tally.packets_unsent else ""
    print(f"calls: {endings}; {tally.packets_sent} packets sent{unsent}")
    late = tally.lateness
    half, most = (late.quantile_seconds(share) * 1000 for share in (0.5, 0.99))
    print(f"packets left late by: half ≤ {half:.0f} ms, 99 % ≤ {most:.0f} ms, most {late.max_seconds * 1000:.0f} ms")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 10_000):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of calls between 1 and 10000")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.01 <= rate <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of calls a second between 0.01 and 1000")
    return rate


if __name__ == "__main__":
    sys.exit(main())
