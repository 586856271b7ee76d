"""What passes between Callvane's processes: the messages (`messages`) and Redis, which carries them (`redis`)."""

from callbus.messages.alert import Alert, Quote, ShiftKind, Term, Tier
from callbus.messages.call import CallClosed, CallOpened, CallState, Channel, Mood, Phase
from callbus.messages.conditions import CallEvent, Condition, ConditionKind, Gap, Unit
from callbus.messages.contact import Contact, CrmRecord
from callbus.messages.debrief import CoursePoint, Debrief, Question, Reply, TurningPoint, Verdict
from callbus.messages.leg import Leg, Role
from callbus.messages.practice import (
    Act,
    Answer,
    Core,
    Counts,
    DoneAct,
    Evidence,
    Finding,
    FindingKind,
    Intake,
    Landed,
    Practice,
    Register,
    Side,
    Wish,
)
from callbus.messages.transcript import Transcript
from callbus.messages.utterance import Utterance
from callbus.messages.written import WrittenTurn

__all__ = [
    "Act",
    "Alert",
    "Answer",
    "CallClosed",
    "CallEvent",
    "CallOpened",
    "CallState",
    "Channel",
    "Condition",
    "ConditionKind",
    "Contact",
    "Core",
    "Counts",
    "CoursePoint",
    "CrmRecord",
    "Debrief",
    "DoneAct",
    "Evidence",
    "Finding",
    "FindingKind",
    "Gap",
    "Intake",
    "Landed",
    "Leg",
    "Mood",
    "Phase",
    "Practice",
    "Question",
    "Quote",
    "Register",
    "Reply",
    "Role",
    "ShiftKind",
    "Side",
    "Term",
    "Tier",
    "Transcript",
    "TurningPoint",
    "Unit",
    "Utterance",
    "Verdict",
    "Wish",
    "WrittenTurn",
]
