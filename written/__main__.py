"""`python -m written`: the door for chat messages and e-mails."""

from __future__ import annotations

import sys

from service.process import main
from written.server import work
from written.settings import Settings

if __name__ == "__main__":
    sys.exit(main("written", "Takes chat messages and e-mails over HTTP.", Settings, work, metrics_port=9104))
