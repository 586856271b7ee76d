"""`python -m sip_bridge`: answers calls that a PBX forks to it."""

import sys

from service.process import main
from sip_bridge.bridge import run
from sip_bridge.settings import SipBridgeSettings

if __name__ == "__main__":
    sys.exit(
        main(
            "sip_bridge",
            "Answers forked calls (SIPREC or plain SIP) and sends their speech to analysis through Redis.",
            SipBridgeSettings,
            run,
            9101,
        )
    )
