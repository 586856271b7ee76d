"""`python -m console`: the supervisors' page."""

from __future__ import annotations

import sys

from console.server import work
from console.settings import Settings
from service.process import main

if __name__ == "__main__":
    sys.exit(main("console", "Shows live calls and alerts in a browser.", Settings, work, metrics_port=9103))
