"""What passes between Callvane's processes: the messages (`messages`) and Redis, which carries them (`redis`)."""

from callbus.messages.alert import Alert, Quote, ShiftKind, Term, Tier
from callbus.messages.call import CallClosed, CallOpened, CallState, Mood, Phase
from callbus.messages.conditions import CallEvent, Condition, ConditionKind, Gap, Unit
from callbus.messages.contact import Contact, CrmRecord
from callbus.messages.leg import Leg, Role
from callbus.messages.transcript import Transcript
from callbus.messages.utterance import Utterance

__all__ = [
    "Alert",
    "CallClosed",
    "CallEvent",
    "CallOpened",
    "CallState",
    "Condition",
    "ConditionKind",
    "Contact",
    "CrmRecord",
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
