"""Writes `<type>.v<version>.json` for each publication, next to this file."""

import json
from pathlib import Path

from callbus import Alert, CallState, Debrief, Transcript
from callbus.messages.wire import NAMES, VERSION, schema


def main() -> None:
    """Write every schema."""
    for cls in (Alert, Transcript, CallState, Debrief):
        path = Path(__file__).with_name(f"{NAMES[cls]}.v{VERSION}.json")
        path.write_text(json.dumps(schema(cls), indent=2) + "\n")
        print(path.name)


if __name__ == "__main__":
    main()
