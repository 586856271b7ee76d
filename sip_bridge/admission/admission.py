"""The one door: every request that begins something is judged here, whatever its method. Pure: the clock is passed in.

In this order: who asks, what it proves, how fast it asks, what the bridge has left. A dialog counts from the moment it
is let through until it is gone (`places`). Above a limit the answer is 503, on which balancers and SBCs go on to the
next bridge. Belongs to the library's thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.rates import Rates
from sip_bridge.admission.digest import Digest, Verdict
from sip_bridge.admission.noise import Noise
from sip_bridge.admission.peers import Peers
from sip_bridge.admission.places import Limits, Place, Places
from sip_bridge.admission.refusal import RETRY_AFTER_SECONDS, Refusal
from sip_bridge.request import description, multipart
from sip_bridge.request.description import Abilities
from sip_bridge.request.fork import Fork, ForkReader
from sip_bridge.request.multipart import Message

REQUESTS_PER_SECOND = 20.0
"""Of each peer, for whatever is no INVITE: a balancer asks for OPTIONS every few seconds."""
CHALLENGES_A_FORK = 2.0
"""Each fork may be challenged so often: a nonce may have become stale."""
INCOMPATIBLE = 305
"""The code of a Warning about an offer's formats (RFC 3261 section 20.43)."""
PLAIN = Abilities()
OVERLOAD_SECONDS = 1.0
"""A listening round this long means that audio is about to be shed: no new forks."""
OVERLOAD_LASTS_SECONDS = 5.0
"""A round that ended longer ago says nothing any more: without calls there are no rounds."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request outside a dialog, as it came in."""

    method: str
    address: str
    """Where it came from, without the port."""
    raw: bytes
    names: frozenset[str] = frozenset()
    """Whom its connection's certificate names, in lower case."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What keeps a bridge from taking new calls at this moment."""

    overloaded: bool = False
    draining: bool = False
    backlogged: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is not let through, and what to say with the answer."""

    refusal: Refusal
    challenges: tuple[str, ...] = ()
    """Values of WWW-Authenticate headers."""
    warning: str = ""
    """What is wrong with the offer and what would do, for whoever set the recorder up."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The answer's headers."""
        retry = (("Retry-After", str(RETRY_AFTER_SECONDS)),) if self.refusal.status == 503 else ()
        warning = (("Warning", f'{INCOMPATIBLE} callvane "{self.warning}"'),) if self.warning else ()
        return (*(("WWW-Authenticate", each) for each in self.challenges), *retry, *warning)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A fork that was let through: what it says, and the place that it has."""

    fork: Fork
    place: Place


class Admission:
    """Judges what comes to one bridge."""

    def __init__(
        self,
        peers: Peers,
        digest: Digest | None,
        limits: Limits,
        forks_per_second: float,
        reader: ForkReader,
        abilities: Abilities = PLAIN,
    ) -> None:
        """`digest`: who must prove themselves; None for nobody. `forks_per_second`: of each peer, 0 for any rate.

        `abilities`: what the bridge can receive.
        """
        self._abilities = abilities
        self.places = Places(limits)
        self.noise = Noise()
        self._peers = peers
        self._digest = digest
        self._reader = reader
        self._forks = Rates(forks_per_second)
        self._challenges = Rates(CHALLENGES_A_FORK * forks_per_second)
        self._requests = Rates(REQUESTS_PER_SECOND)
        self._admitted: Admitted | None = None

    def judge(self, request: Request, condition: Condition, now: float) -> Refused | None:
        """Why the request is not let through; None where it is. An INVITE then has a place until `entered` or `settle`.

        `now`: seconds of a monotonic clock. The caller answers a refusal and counts it as the fork's outcome.
        """
        self.settle()
        refused = self._judged(request, condition, now)
        if refused:
            self.noise.note(refused.refusal, request.method, request.address)
        return refused

    def entered(self) -> Admitted | None:
        """The fork that was let through last, for the dialog that it became; None where there is none."""
        admitted, self._admitted = self._admitted, None
        return admitted

    def settle(self) -> None:
        """Take the place back of a fork that became no dialog: the library has refused it after all."""
        if admitted := self.entered():
            self.places.give_back(admitted.place)

    def _judged(self, request: Request, condition: Condition, now: float) -> Refused | None:
        peer = request.address
        if not self._peers.admits(peer, request.names):
            return Refused(Refusal.FORBIDDEN)
        if request.method != "INVITE":  # a balancer asks whether new calls are taken
            if not self._requests.take(peer, now):
                return Refused(Refusal.REQUESTS)
            return Refused(Refusal.DRAINING) if condition.draining else None
        head = multipart.read_head(request.raw)
        if refused := self._unproven(request, head, now):
            return refused
        if refusal := self._crowded(peer, condition):
            return Refused(refusal)
        return self._taken(request, head, condition)

    def _unproven(self, request: Request, head: Message, now: float) -> Refused | None:
        """A challenge takes nothing of what the peer may fork; a wrong password does."""
        peer, verdict = request.address, Verdict.ACCEPTED
        if self._digest:
            verdict = self._digest.judge(head.headers.get("authorization", []), "INVITE", peer, now)
        if verdict is Verdict.GUESSING:
            return Refused(Refusal.GUESSES)
        asked = verdict in (Verdict.MISSING, Verdict.STALE)
        if not (self._challenges if asked else self._forks).take(peer, now):
            return Refused(Refusal.RATE)
        if verdict is Verdict.ACCEPTED or self._digest is None:
            return None
        refusal = Refusal.CHALLENGED if asked else Refusal.CREDENTIALS
        return Refused(refusal, tuple(self._digest.challenges(peer, now, stale=verdict is Verdict.STALE)))

    def _crowded(self, peer: str, condition: Condition) -> Refusal | None:
        return Refusal.OVERLOADED if condition.overloaded else self.places.crowded(peer)

    def _taken(self, request: Request, head: Message, condition: Condition) -> Refused | None:
        """Give the fork a place; or why it gets none. Its body is read only where its head does not rule it out."""
        naming = self._reader.naming(head)
        if refusal := self._shut(request.address, naming.call_id, condition):
            return Refused(refusal)
        fork = self._reader.read(request.raw, head, naming)
        if fork.naming.call_id != naming.call_id and (refusal := self._shut(request.address, "", condition)):
            return Refused(refusal)
        if fork.offer.offers and (why := description.refusal(fork.offer.sdp, self._abilities)):
            return Refused(Refusal.UNACCEPTABLE, warning=why)
        call = self._call(request.address, fork.naming.call_id)
        self._admitted = Admitted(fork, self.places.take(request.address, call))
        return None

    def _shut(self, peer: str, call_id: str, condition: Condition) -> Refusal | None:
        """Why no fork of this call is taken. Half a call is no use: what joins one that is held is taken longer."""
        call = self._call(peer, call_id)
        if call is None or not self.places.knows(call):
            if condition.draining:
                return Refusal.DRAINING
            if condition.backlogged:
                return Refusal.BACKLOG
        return self.places.full(peer, call)

    @staticmethod
    def _call(peer: str, call_id: str) -> tuple[str, str] | None:
        return (peer, call_id) if call_id else None


def overloaded(round_seconds: float, rounded_at: float, now: float) -> bool:
    """Whether the listener has just fallen behind: by how long its last round took, and when that ended (monotonic)."""
    return round_seconds > OVERLOAD_SECONDS and now - rounded_at < OVERLOAD_LASTS_SECONDS
