"""Packs the compiled binding into a wheel with nothing but the standard library.

Building a wheel by hand needs neither setuptools nor a network, which a fresh virtual environment lacks.
Wheel format: PEP 427.
"""

import argparse
import base64
import hashlib
import importlib
import sys
import sysconfig
import zipfile
from pathlib import Path


def tag() -> str:
    """The wheel's compatibility tag, such as ``cp311-cp311-linux_x86_64``."""
    interpreter = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return f"{interpreter}-{interpreter}-{platform}"


def digest(content: bytes) -> str:
    """The checksum as RECORD writes it: URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def assemble(version: str, output: Path, members: list[Path]) -> Path:
    """Write the wheel of `members` into `output` and return its path."""
    info = f"pjsua2-{version}.dist-info"
    metadata = (
        f"Metadata-Version: 2.1\nName: pjsua2\nVersion: {version}\n"
        "Summary: SIP user agent library of pjproject, as Callvane builds it\n"
        "License: GPL-2.0-or-later\n"
    )
    wheel = f"Wheel-Version: 1.0\nGenerator: callvane\nRoot-Is-Purelib: false\nTag: {tag()}\n"
    contents = {path.name: path.read_bytes() for path in members}
    contents[f"{info}/METADATA"] = metadata.encode()
    contents[f"{info}/WHEEL"] = wheel.encode()
    record = [f"{name},sha256={digest(content)},{len(content)}" for name, content in contents.items()]
    record.append(f"{info}/RECORD,,")
    contents[f"{info}/RECORD"] = ("\n".join(record) + "\n").encode()
    path = output / f"pjsua2-{version}-{tag()}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def check(wheel: Path) -> None:
    """Import the binding out of the wheel in this interpreter; raises what the import raises."""
    unpacked = wheel.parent.parent / "check"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    sys.path.insert(0, str(unpacked))
    library = importlib.import_module("pjsua2")
    library.Endpoint()


def main() -> None:
    """Assemble or check, as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", type=Path, help="import the binding from this wheel and stop")
    parser.add_argument("--version", default="")
    parser.add_argument("--output", type=Path, default=Path())
    parser.add_argument("members", nargs="*", type=Path)
    arguments = parser.parse_args()
    if arguments.check:
        check(arguments.check)
    else:
        assemble(arguments.version, arguments.output, arguments.members)


if __name__ == "__main__":
    main()
