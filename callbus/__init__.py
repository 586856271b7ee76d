"""What passes between Callvane's processes: the messages (`messages`) and Redis, which carries them (`redis`)."""

from callbus.messages.alert import Alert, Quote, ShiftKind, Term, Tier
from callbus.messages.call import CallClosed, CallOpened, CallState, Channel, Mood, Phase
from callbus.messages.conditions import CallEvent, Condition, ConditionKind, Gap, Unit
from callbus.messages.leg import Leg, Role
from callbus.messages.transcript import Transcript
from callbus.messages.utterance import Utterance
from callbus.messages.written import WrittenTurn

__all__ = [
    "Alert",
    "CallClosed",
    "CallEvent",
    "CallOpened",
    "CallState",
    "Channel",
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
    "WrittenTurn",
]
