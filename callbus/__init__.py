"""What crosses between Callvane's processes: the messages, their wire form, and Redis, which carries them.

Read in the order of the data: `call` and `utterance` (bridge to analysis), `transcript` and `alert` (analysis to
everybody), `wire` (bytes), `bus` (a connection that publishes), `fork_writer` and
`fork_reader` (bridge to analysis), `feed` (consoles and integrators follow what analysis wrote).
"""

from callbus.alert import Alert, Quote, ShiftKind, Term
from callbus.call import CallClosed, CallOpened, CallState, Leg, Mood, Phase, Role
from callbus.transcript import Transcript
from callbus.utterance import Utterance

__all__ = [
    "Alert",
    "CallClosed",
    "CallOpened",
    "CallState",
    "Leg",
    "Mood",
    "Phase",
    "Quote",
    "Role",
    "ShiftKind",
    "Term",
    "Transcript",
    "Utterance",
]
