"""Answers: what an agent did about a customer's distress within two turns, and how it landed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from analysis.practice.phrases import SEEN
from analysis.practice.read_turn import UNHAPPY, AgentPart, CustomerPart, ReadTurn, evidence
from callbus import Act, Answer, Core, DoneAct, Evidence, FindingKind, Landed

WINDOW = 2
"""The agent's turns that answer."""
PATIENCE = 4
"""Turns of the agent after which an answer is over, however little the customer has said."""
FOLLOWED = 2
"""Weighty turns of the customer that show how it landed."""
SLIGHT = 0.4
"""A turn of less weight ("yes") shows nothing."""
MOVED = 0.65
"""How far the customer's score must have moved, in log-odds, to have moved at all."""
WORRIED = 0.5
HELPS = (Act.SPECIFIC, Act.NEXT, Act.LIMIT)
"""What keeps empathy from being hollow: their situation taken up, a step, or honesty that there is none."""
ATTEMPTS = (Act.ACK, Act.SPECIFIC, Act.NEXT, Act.LIMIT, Act.RESET, Act.VERIFY)


@dataclass(frozen=True, slots=True)
class Pending:
    """A distress and what has been done about it."""

    distress: Evidence
    value: float
    """The customer's score in it, log-odds."""
    is_unhappy: bool
    """Else they are worried or it is urgent."""
    urgent: float
    acts: Mapping[str, Evidence] = field(default_factory=dict)
    """By act, the surest within the window."""
    hollow: Evidence | None = None
    hears_all: bool = True
    """Whether an act that is not seen was not there."""
    agent_turns: int = 0
    followed: tuple[tuple[float, float], ...] = ()
    """Score and weight of the customer's weighty turns after the first answer."""
    latest: Evidence | None = None
    """Their words then."""

    @property
    def is_open(self) -> bool:
        """Whether further turns belong to it."""
        return len(self.followed) < FOLLOWED and self.agent_turns < PATIENCE

    @property
    def takes_answers(self) -> bool:
        """Whether the agent's next turn is within the window."""
        return self.agent_turns < WINDOW

    def answered(self, turn: ReadTurn, agent: AgentPart) -> Pending:
        """After an agent's turn."""
        counted = replace(self, agent_turns=self.agent_turns + 1)
        if not self.takes_answers:
            return counted
        acts = dict(self.acts)
        for act, sign in agent.acts.items():
            if act not in acts or sign.probability > acts[act].confidence:
                acts[act] = turn.proof(sign)
        hollow = self.hollow
        if agent.hollow and (hollow is None or agent.hollow.probability > hollow.confidence):
            hollow = turn.proof(agent.hollow)
        return replace(counted, acts=acts, hollow=hollow, hears_all=self.hears_all and agent.hears_all)

    def heard(self, turn: ReadTurn, customer: CustomerPart) -> Pending:
        """After a customer's turn."""
        if not self.agent_turns or customer.weight < SLIGHT:
            return self
        words = evidence(customer.about or turn.quote, turn.number, turn.start, "score", 1.0)
        return replace(self, followed=(*self.followed, (customer.value, customer.weight))[-FOLLOWED:], latest=words)

    @property
    def after(self) -> float | None:
        """The customer's mean score since, log-odds; None if they have said too little."""
        weight = sum(weight for _, weight in self.followed)
        return sum(value * weight for value, weight in self.followed) / weight if weight > 0 else None

    @property
    def landed(self) -> Landed:
        """The customer's course since."""
        if self.after is None:
            return Landed.NOT_SEEN
        moved = self.after - self.value
        return Landed.BETTER if moved >= MOVED else Landed.WORSE if moved <= -MOVED else Landed.SAME

    def has(self, act: Act) -> float:
        """Probability of an act, 0 to 1."""
        return self.acts[act].confidence if act in self.acts else 0.0

    def did(self, act: Act) -> bool:
        """Whether an act was seen."""
        return self.has(act) >= SEEN

    def shown(self) -> Answer:
        """As a message has it."""
        acts = tuple(DoneAct(act, self.acts[act]) for act in Act if self.did(act))
        return Answer(self.distress, acts, self.landed, self.value, self.after)

    def findings(self, *, at_end: bool = False) -> Iterator[tuple[FindingKind, Evidence]]:
        """What the answer as a whole shows, once the window is over. `at_end`: nothing more will be said."""
        if self.takes_answers and not (at_end and self.followed):
            return
        if hollow := self._hollow():
            yield FindingKind.HOLLOW_EMPATHY, hollow
        # Unhappy since, and in the turn that is quoted for it.
        still = self.after is not None and max(self.after, self.followed[-1][0]) <= UNHAPPY
        still = still and self.landed is not Landed.BETTER
        if self.latest is None or not still or (self.is_open and not at_end):
            return
        if self._all_was_done(self.latest.turn):
            sure = min(self.has(Act.ACK), max(self.has(Act.NEXT), self.has(Act.LIMIT)))
            proof = replace(self.latest, rule="all was done, and they are still unhappy", confidence=sure)
            yield FindingKind.EMPATHY_ACTION_GAP, proof
        elif self.is_unhappy and self.hears_all and not any(self.did(act) for act in ATTEMPTS):
            sure = 1.0 - max(self.has(act) for act in ATTEMPTS)
            proof = replace(self.latest, rule="no act of help, and they are still unhappy", confidence=sure)
            yield FindingKind.AGITATION_LEFT, proof

    def _hollow(self) -> Evidence | None:
        """Feeling or formula with nothing of theirs in it and nothing done."""
        proof = max(
            (one for one in (self.hollow, self.acts.get(Act.ACK)) if one), key=lambda one: one.confidence, default=None
        )
        if proof is None or proof.confidence < SEEN or any(self.did(act) for act in HELPS):
            return None
        sure = proof.confidence
        for act in HELPS:
            sure *= 1.0 - self.has(act)
        if sure < SEEN:
            return None
        return replace(proof, rule="feeling or formula, without specific or next", confidence=sure)

    def _all_was_done(self, turn: int) -> bool:
        """Whether the feeling was met and a step taken, or an honest limit with another way, before a turn."""
        done = {act for act, proof in self.acts.items() if proof.confidence >= SEEN and proof.turn < turn}
        return Act.ACK in done and (Act.NEXT in done or {Act.LIMIT, Act.ALTERNATIVE} <= done)


def distress(turn: ReadTurn, customer: CustomerPart) -> Pending | None:
    """What a customer's turn asks an answer to, if it is unhappy, worried or urgent."""
    worry = customer.cores.get(Core.WORRY, 0.0)
    urgent = customer.urgent.probability if customer.urgent else 0.0
    signs = [
        ("unhappy by score", min(1.0, -customer.value / 2) if customer.is_unhappy else 0.0),
        ("worried: network", worry if worry >= WORRIED else 0.0),
        (customer.urgent.rule if customer.urgent else "", urgent if urgent >= SEEN else 0.0),
    ]
    rule, sure = max(signs, key=lambda sign: sign[1])
    if not sure:
        return None
    words = customer.about or turn.quote
    if customer.urgent and rule == customer.urgent.rule:
        words = customer.urgent.quote
    proof = evidence(words, turn.number, turn.start, rule, sure)
    return Pending(proof, customer.value, customer.is_unhappy, urgent)
