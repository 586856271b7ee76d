"""`python -m tools.fuzz.guided FOLDER -option…`: what `tools.fuzz` runs under atheris; the options are libFuzzer's."""

from __future__ import annotations

import random
import sys

import atheris

with atheris.instrument_imports(include=["sip_bridge"]):
    from tools.fuzz import readers

from tools.fuzz.mutation import mutate

OWN_SHARE = 0.6
"""Share of changes that know the structure of a message; the rest are libFuzzer's own."""


def changed(data: bytes, max_size: int, seed: int) -> bytes:
    """The next input, made from a useful one."""
    chance = random.Random(seed)
    if chance.random() < OWN_SHARE:
        return mutate(data, chance)[:max_size]
    return bytes(atheris.Mutate(data, max_size))


if __name__ == "__main__":
    atheris.Setup(sys.argv, readers.check, custom_mutator=changed)
    atheris.Fuzz()
