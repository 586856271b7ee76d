"""The debrief of a call: its course, the four questions, strengths before gaps. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.practice.answers import Pending
from analysis.practice.phrases import SEEN
from analysis.practice.standing import Standing
from analysis.practice.state import State, Turning
from callbus import (
    Act,
    CoursePoint,
    Debrief,
    Evidence,
    Finding,
    FindingKind,
    Question,
    Reply,
    ShiftKind,
    Side,
    TurningPoint,
    Verdict,
)
from callbus.messages.debrief import MOST_OF_A_SIDE
from callbus.messages.leg import MOST_CALL_SECONDS

MOST_EVIDENCE = 3
TONE_MISSED = (
    FindingKind.DEFENSIVE,
    FindingKind.INTENSITY_MIRRORED,
    FindingKind.BRUSH_OFF,
    FindingKind.HOLLOW_EMPATHY,
    FindingKind.FEELINGS_BEFORE_ACTION,
    FindingKind.INTERRUPTED_VENTING,
)
TONE_MATCHED = (
    FindingKind.FEELING_PARAPHRASED,
    FindingKind.LISTENING,
    FindingKind.URGENCY_MET_AT_ONCE,
    FindingKind.RESET_QUESTION,
)


def debrief(state: State, call_id: str, opened_at: float, closed_at: float, queue: str) -> Debrief | None:
    """The debrief of a call that ends; None if it is not judged, or the customer has said nothing."""
    end = state.now.ended()
    if not state.is_judged or not end.scored:
        return None
    replies = tuple(_replies(end, [*end.marks.findings(), *state.timing.marks.findings()]))
    marks = end.marks
    if any(one.question is Question.VERIFIED and one.verdict is Verdict.NO for one in replies):
        marks = marks.with_one(FindingKind.NOT_VERIFIED, _unverified(end))
    findings = [*marks.findings(), *state.timing.marks.findings()]
    return Debrief(
        call_id=call_id,
        opened_at=opened_at,
        closed_at=closed_at,
        queue=queue,
        intake=end.opening.shown(),
        course=tuple(CoursePoint(max(0.0, min(MOST_CALL_SECONDS, at)), score) for at, score in end.course),
        turning_points=tuple(map(_turning_point, state.turnings)),
        replies=replies,
        strengths=_of(findings, Side.STRENGTH),
        gaps=_of(findings, Side.GAP),
        notes=_of(findings, Side.NOTE),
        answers=tuple(pending.shown() for pending in end.answered),
        counts=state.counts(marks),
    )


def _replies(end: Standing, findings: Sequence[Finding]) -> Iterator[Reply]:
    answered = [pending for pending in end.answered if pending.agent_turns]
    had_occasion = bool(answered) and end.hears_all  # a "no" needs ears that would have heard a "yes"
    met = [proof for one in answered if (proof := _met(one))]
    met += [one.evidence for one in findings if one.kind is FindingKind.FEELING_PARAPHRASED]
    yield _reply(Question.CORE_MET, met, had_occasion)
    missed = [one.evidence for one in findings if one.kind in TONE_MISSED]
    matched = [one.evidence for one in findings if one.kind in TONE_MATCHED]
    matched += [one.acts[Act.ACK] for one in answered if one.did(Act.ACK)]
    if missed and max(map(_at, missed)) >= max(map(_at, matched), default=0.0):  # what came last counts
        yield Reply(Question.TONE_MATCHED, Verdict.NO, _surest(missed))
    else:
        yield _reply(Question.TONE_MATCHED, matched, False)
    steps = [end.best[act] for act in (Act.NEXT,) if act in end.best]
    if not steps and Act.LIMIT in end.best and Act.ALTERNATIVE in end.best:
        steps = [end.best[Act.ALTERNATIVE]]
    yield _reply(Question.CONCRETE_STEP, steps, had_occasion)
    checked = [end.best[Act.VERIFY]] if Act.VERIFY in end.best else []
    yield _reply(Question.VERIFIED, checked, had_occasion and bool(steps or Act.LIMIT in end.best))


def _met(pending: Pending) -> Evidence | None:
    """What met a distress: the feeling or the situation taken up; where it is urgent, a step."""
    acts = (Act.NEXT, Act.SPECIFIC, Act.ACK) if pending.urgent >= SEEN else (Act.SPECIFIC, Act.ACK)
    if any(kind is FindingKind.HOLLOW_EMPATHY for kind, _ in pending.findings(at_end=True)):
        return None
    return max((pending.acts[act] for act in acts if pending.did(act)), key=lambda one: one.confidence, default=None)


def _reply(question: Question, proof: Sequence[Evidence], had_occasion: bool) -> Reply:
    if proof:
        return Reply(question, Verdict.YES, _surest(proof))
    return Reply(question, Verdict.NO if had_occasion else Verdict.NOT_SEEN, ())


def _surest(proof: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The surest of it, in the order of the call."""
    kept = sorted(proof, key=lambda one: -one.confidence)[:MOST_EVIDENCE]
    return tuple(sorted(kept, key=_at))


def _at(proof: Evidence) -> float:
    return proof.at_seconds


def _unverified(end: Standing) -> Evidence:
    """The step that nobody asked about."""
    proof = end.best.get(Act.NEXT) or end.best[Act.LIMIT]
    return Evidence(proof.quote, proof.turn, proof.at_seconds, "nobody asked whether it helped", proof.confidence)


def _turning_point(turning: Turning) -> TurningPoint:
    return TurningPoint(ShiftKind.WORSENED if turning.is_worse else ShiftKind.RECOVERED, turning.evidence)


def _of(findings: Sequence[Finding], side: Side) -> tuple[Finding, ...]:
    """The surest of a side, in the order of the call."""
    own = sorted((one for one in findings if one.side is side), key=lambda one: -one.evidence.confidence)
    return tuple(sorted(own[:MOST_OF_A_SIDE], key=lambda one: (one.evidence.at_seconds, one.evidence.turn)))
