"""What crosses between Callvane's processes: the messages, their wire form, and Redis, which carries them.

Read in the order of the data: `leg`, `call`, `utterance` and `health` (bridge to analysis), `transcript` and `alert`
(analysis to everybody), `wire` (bytes), `bus` (a connection that publishes), `fork_writer` and `fork_reader` (bridge to
analysis), `feed` (consoles and integrators follow what analysis wrote).
"""

from callbus.alert import Alert, Quote, ShiftKind, Term, Tier
from callbus.call import CallClosed, CallOpened, CallState, Mood, Phase
from callbus.health import CallEvent, Condition, ConditionKind, Gap, Unit
from callbus.leg import Leg, Role
from callbus.transcript import Transcript
from callbus.utterance import Utterance

__all__ = [
    "Alert",
    "CallClosed",
    "CallEvent",
    "CallOpened",
    "CallState",
    "Condition",
    "ConditionKind",
    "Gap",
    "Leg",
    "Mood",
    "Phase",
    "Quote",
    "Role",
    "ShiftKind",
    "Term",
    "Tier",
    "Transcript",
    "Unit",
    "Utterance",
]
