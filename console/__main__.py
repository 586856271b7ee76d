"""`python -m console`: the supervisors' page. `python -m console link`: an agent's link to their own call."""

from __future__ import annotations

import sys

from console.agent import command
from console.server import work
from console.settings import Settings
from service import standard_streams
from service.process import main

if __name__ == "__main__":
    standard_streams.ensure()
    if sys.argv[1:2] == ["link"]:
        sys.exit(command.main(sys.argv[2:]))
    sys.exit(main("console", "Shows live calls and alerts in a browser.", Settings, work, metrics_port=9103))
