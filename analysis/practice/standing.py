"""What the turns so far amount to: one step a turn, from the state before it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from analysis.practice.answers import Pending, distress
from analysis.practice.findings import Marks
from analysis.practice.intake import Opening, Wording
from analysis.practice.phrases import SEEN
from analysis.practice.read_turn import AgentPart, CustomerPart, ReadTurn, Sign, evidence, seen
from callbus import Act, Evidence, FindingKind, Register
from callbus.messages.debrief import MOST_ANSWERS, MOST_POINTS

MOST_OPEN = 3
FIRST_TO_URGENCY = (FindingKind.URGENCY_MET_AT_ONCE, FindingKind.FEELINGS_BEFORE_ACTION)
LISTENED_SECONDS = 10.0
"""Speech of a customer that takes listening."""
CUT_IN_SECONDS = 0.5
"""Who starts earlier than this before the customer's end has cut in."""
FIRST_TURNS = 2
"""The agent's turns, a greeting among them, in which a solution can come before hearing."""
MOST_LOG_ODDS = 100.0


@dataclass(frozen=True, slots=True)
class Standing:
    """The call, as far as its turns are settled."""

    opening: Opening = field(default_factory=Opening)
    open: tuple[Pending, ...] = ()
    """Distress that is being answered, oldest first."""
    answered: tuple[Pending, ...] = ()
    """The latest that is over."""
    marks: Marks = field(default_factory=Marks)
    best: Mapping[str, Evidence] = field(default_factory=dict)
    """The surest evidence of each act so far."""
    owed: Mapping[str, Evidence] = field(default_factory=dict)
    """A limit or brush-off of the agent's last turn: an alternative in the next one changes what it was."""
    course: tuple[tuple[float, float], ...] = ()
    """Call time and score of the customer's turns."""
    every: int = 1
    """Of how many turns the course holds one."""
    scored: int = 0
    agent_wording: Wording = field(default_factory=Wording)
    customer_from: float = 0.0
    """Call time at which the customer's last turn began."""
    customer_to: float = 0.0
    is_unhappy: bool = False
    """By the customer's last turn."""
    is_distressed: bool = False
    """Whether there was any distress."""
    hears_all: bool = True
    """Whether an act of the agent that was not seen was not there."""

    def after(self, turn: ReadTurn) -> Standing:
        """The state after a turn."""
        if turn.customer:
            return self._heard(turn, turn.customer)._closed()
        return self._answered(turn, turn.agent)._closed() if turn.agent else self

    def ended(self) -> Standing:
        """The state if nothing more is said."""
        marks = self.marks
        for pending in self.open:
            for kind, found in pending.findings(at_end=True):
                marks = marks.with_one(kind, found)
        if proof := self.owed.get(Act.BRUSH_OFF):
            marks = marks.with_one(FindingKind.BRUSH_OFF, proof)
        return replace(self, open=(), answered=(*self.answered, *self.open)[-MOST_ANSWERS:], marks=marks, owed={})

    def _heard(self, turn: ReadTurn, customer: CustomerPart) -> Standing:
        pending = [one.heard(turn, customer) for one in self.open]
        found = distress(turn, customer)
        if found:
            if pending and not pending[-1].agent_turns:  # nobody has answered: the same distress goes on
                earlier = pending.pop()
                worse = found if found.value <= earlier.value else earlier
                found = replace(worse, urgent=max(found.urgent, earlier.urgent))
            pending.append(replace(found, hears_all=self.hears_all))
        return replace(
            self._with_point(turn, customer),
            opening=self.opening.heard(turn, customer),
            open=tuple(pending),
            customer_from=turn.start,
            customer_to=turn.end,
            is_unhappy=customer.is_unhappy,
            is_distressed=self.is_distressed or found is not None,
        )

    def _with_point(self, turn: ReadTurn, customer: CustomerPart) -> Standing:
        course, every = self.course, self.every
        if self.scored % every == 0:
            score = max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, customer.value))
            course = (*course, (turn.end, score))
        if len(course) > MOST_POINTS:
            course, every = course[::2], 2 * every
        return replace(self, course=course, every=every, scored=self.scored + 1)

    def _answered(self, turn: ReadTurn, agent: AgentPart) -> Standing:
        marks = self.marks
        for kind, proof in self._found(turn, agent):
            marks = marks.with_one(kind, proof)
        best = dict(self.best)
        for act, sign in agent.acts.items():
            if sign.probability >= SEEN and (act not in best or sign.probability > best[act].confidence):
                best[act] = turn.proof(sign)
        has_way = agent.has(Act.ALTERNATIVE) >= SEEN
        owed = {act: agent.acts[act] for act in (Act.LIMIT, Act.BRUSH_OFF) if agent.has(act) >= SEEN and not has_way}
        after = replace(
            self,
            opening=self.opening.answered(),
            open=tuple(one.answered(turn, agent) for one in self.open),
            marks=marks,
            best=best,
            owed={act.value: turn.proof(sign) for act, sign in owed.items()},
            agent_wording=self.agent_wording.after(turn),
            hears_all=self.hears_all and agent.hears_all,
        )
        return after._worded(turn)

    def _found(self, turn: ReadTurn, agent: AgentPart) -> Iterator[tuple[FindingKind, Evidence]]:
        """What the agent's turn shows by itself and by what came before it."""
        acts = {act: sign for act, sign in agent.acts.items() if seen(sign)}
        for act, kind in (
            (Act.OVER_PROMISE, FindingKind.OVER_PROMISE),
            (Act.DEFENSIVE, FindingKind.DEFENSIVE),
            (Act.RESET, FindingKind.RESET_QUESTION),
        ):
            if act in acts:
                yield kind, turn.proof(acts[act])
        yield from self._limits(turn, acts)
        if Act.NEXT in acts and Act.SPECIFIC in acts:
            yield FindingKind.SPECIFIC_NEXT_STEP, _both(turn, acts[Act.NEXT], acts[Act.SPECIFIC])
        if Act.SPECIFIC in acts and self._listened(turn):
            yield FindingKind.LISTENING, turn.proof(acts[Act.SPECIFIC], "heard out, then taken up")
        if Act.VERIFY in acts and self.is_distressed:
            yield FindingKind.CHECKED_IT_LANDED, turn.proof(acts[Act.VERIFY])
        if Act.ACK in acts and Act.SPECIFIC in acts and self.is_distressed:
            yield FindingKind.FEELING_PARAPHRASED, _both(turn, acts[Act.ACK], acts[Act.SPECIFIC])
        yield from self._to_distress(turn, agent, acts)
        if self._is_too_soon(acts):
            sign = acts.get(Act.NEXT) or acts[Act.ALTERNATIVE]
            sure = sign.probability * self.opening.wants_to_be_heard
            rule = "wants to be heard, gets a solution first"
            yield FindingKind.SOLUTION_BEFORE_HEARING, turn.proof(sign, rule, sure)

    def _limits(self, turn: ReadTurn, acts: Mapping[str, Sign]) -> Iterator[tuple[FindingKind, Evidence]]:
        way = acts.get(Act.ALTERNATIVE)
        owed = self.owed.get(Act.LIMIT)
        if way and (Act.LIMIT in acts or owed):
            sure = acts[Act.LIMIT].probability if Act.LIMIT in acts else owed.confidence if owed else 0.0
            proof = turn.proof(way, "limit with alternative", min(sure, way.probability))
            yield FindingKind.HONEST_LIMIT_WITH_ALTERNATIVE, proof
        if (brushed := self.owed.get(Act.BRUSH_OFF)) and not way:
            yield FindingKind.BRUSH_OFF, brushed

    def _to_distress(
        self, turn: ReadTurn, agent: AgentPart, acts: Mapping[str, Sign]
    ) -> Iterator[tuple[FindingKind, Evidence]]:
        waiting = [one for one in self.open if one.takes_answers]
        if not waiting:
            return
        if Act.REPEATED in acts:
            yield FindingKind.REPEATED_TEXT, turn.proof(acts[Act.REPEATED])
        if agent.heated and seen(agent.heated) and any(one.is_unhappy for one in waiting):
            yield FindingKind.INTENSITY_MIRRORED, turn.proof(agent.heated)
        first = max((one.urgent for one in waiting if not one.agent_turns), default=0.0)
        if first < SEEN or not self.marks.counts.keys().isdisjoint(FIRST_TO_URGENCY):
            return  # an emergency has one first answer, however often it is told
        if sign := acts.get(Act.NEXT) or acts.get(Act.ALTERNATIVE):
            yield FindingKind.URGENCY_MET_AT_ONCE, turn.proof(sign, "", first * sign.probability)
            return
        feeling = max(filter(seen, (agent.hollow, agent.acts.get(Act.ACK))), key=_probability, default=None)
        if feeling and (seen(agent.hollow) or not agent.asks):  # a question may be what it needs first
            sure = first * feeling.probability * (1.0 - agent.has(Act.NEXT))
            rule = "urgent, and the feeling comes before a step"
            yield FindingKind.FEELINGS_BEFORE_ACTION, turn.proof(feeling, rule, sure)

    def _listened(self, turn: ReadTurn) -> bool:
        long = self.customer_to - self.customer_from >= LISTENED_SECONDS
        return long and turn.start >= self.customer_to - CUT_IN_SECONDS

    def _is_too_soon(self, acts: Mapping[str, Sign]) -> bool:
        """Whether a solution comes to somebody who wants to be heard first, and has hardly been."""
        opening = self.opening
        urgent = opening.urgency is not None and opening.urgency.confidence >= SEEN
        early = not opening.is_ready and opening.wording.turns > 0 and self.agent_wording.turns < FIRST_TURNS
        solves = Act.NEXT in acts or Act.ALTERNATIVE in acts
        hears = Act.ACK in acts or Act.SPECIFIC in acts
        return early and solves and not hears and not urgent and opening.wants_to_be_heard >= SEEN

    def _worded(self, turn: ReadTurn) -> Standing:
        """With a note if the agent's register is far from the customer's; once a call."""
        register, own = self.opening.wording.register, self.agent_wording
        apart = (register is Register.FORMAL and own.register is Register.CASUAL) or (
            register is Register.TERSE and own.is_long
        )
        if not apart or FindingKind.REGISTER_MISMATCH in self.marks.counts:
            return self
        proof = evidence(turn.quote, turn.number, turn.start, f"customer {register}, agent otherwise", SEEN)
        return replace(self, marks=self.marks.with_one(FindingKind.REGISTER_MISMATCH, proof))

    def _closed(self) -> Standing:
        """With what is over taken from what is open."""
        marks = self.marks
        for pending in self.open:
            for kind, proof in pending.findings():
                marks = marks.with_one(kind, proof)
        over = tuple(one for one in self.open[:-MOST_OPEN] if one.is_open)
        over += tuple(one for one in self.open if not one.is_open)
        still = tuple(one for one in self.open if one.is_open)[-MOST_OPEN:]
        return replace(self, open=still, answered=(*self.answered, *over)[-MOST_ANSWERS:], marks=marks)


def _both(turn: ReadTurn, one: Sign, other: Sign) -> Evidence:
    sure = min(one.probability, other.probability)
    return turn.proof(one, f"{one.rule[:30]} + {other.rule[:30]}", sure)


def _probability(sign: Sign | None) -> float:
    return sign.probability if sign else 0.0
