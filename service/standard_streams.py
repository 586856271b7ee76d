"""Standard input, output and error, where a process was started without them or nobody can write to them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def ensure() -> None:
    """Open the null device in place of each standard stream that is closed.

    Otherwise the next file or socket would get its descriptor, and receive what libraries print.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free descriptor, which is this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 -- for as long as the process


def tell(line: str) -> None:
    """Write a line to standard error, or lose it; unlike `print`, without an effect on the exit status."""
    with suppress(OSError):
        os.write(sys.stderr.fileno(), f"{line}\n".encode(errors="backslashreplace"))
