"""Judges every request outside a dialog, whatever its method. Pure: the clock is passed in.

Checks, in order: the peer, its credentials, its rate, the bridge's capacity. A dialog counts from admission until it is
gone (`places`). Above a limit the answer is 503, so that balancers and SBCs try the next bridge. Belongs to the
library's thread.
"""

from __future__ import annotations

from collections.abc import Callable
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
from sip_bridge.request.invite import Invite
from sip_bridge.request.multipart import Message

REQUESTS_PER_SECOND = 20.0
"""Per peer, for methods other than INVITE: a balancer sends OPTIONS every few seconds."""
CHALLENGES_A_FORK = 2.0
"""Challenges allowed per fork: a nonce may be stale."""
INCOMPATIBLE = 305
"""Warning code for an offer's formats (RFC 3261 section 20.43)."""
PLAIN = Abilities()
OVERLOAD_SECONDS = 1.0
"""A listening round this long means that audio is about to be dropped: no new forks are accepted."""
OVERLOAD_LASTS_SECONDS = 5.0
"""An older round is ignored: without calls there are no rounds."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request outside a dialog, as received."""

    method: str
    address: str
    """Its source address, without the port."""
    raw: bytes
    names: frozenset[str] = frozenset()
    """Names in the certificate of its connection, in lower case."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What currently keeps a bridge from accepting new calls."""

    overloaded: bool = False
    draining: bool = False
    backlogged: bool = False
    analysis_overloaded: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is refused, and what the answer carries."""

    refusal: Refusal
    challenges: tuple[str, ...] = ()
    """Values of the WWW-Authenticate headers."""
    warning: str = ""
    """What is wrong with the offer and what would work, for the recorder's administrator."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The answer's headers, as pairs of name and value."""
        retry = (("Retry-After", str(RETRY_AFTER_SECONDS)),) if self.refusal.status == 503 else ()
        warning = (("Warning", f'{INCOMPATIBLE} callvane "{self.warning}"'),) if self.warning else ()
        return (*(("WWW-Authenticate", each) for each in self.challenges), *retry, *warning)


@dataclass(frozen=True, slots=True)
class Admitted:
    """An admitted fork: its content, and the place it holds."""

    fork: Fork
    place: Place


class Admission:
    """Judges the requests to one bridge."""

    def __init__(
        self,
        peers: Peers,
        digest: Digest | None,
        limits: Limits,
        forks_per_second: float,
        reader: ForkReader,
        abilities: Abilities = PLAIN,
        is_recorded: Callable[[Invite], bool] = lambda _: False,
    ) -> None:
        """`digest`: None disables authentication. `forks_per_second`: limit per peer; 0 disables it.

        `abilities`: what the bridge can receive. `is_recorded`: whether an offer is of a call that the bridge has.
        """
        self._is_recorded = is_recorded
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
        """Return the refusal, or None if admitted. An admitted INVITE holds a place until `entered` or `settle`.

        `now`: seconds of a monotonic clock. The caller answers a refusal and counts it as the fork's outcome.
        """
        self.settle()
        refused = self._judged(request, condition, now)
        if refused:
            self.noise.note(refused.refusal, request.method, request.address)
        return refused

    def entered(self) -> Admitted | None:
        """Hand over the last admitted fork to the dialog it became; None if there is none."""
        admitted, self._admitted = self._admitted, None
        return admitted

    def settle(self) -> None:
        """Release the place of a fork that did not become a dialog because the library refused it."""
        if admitted := self.entered():
            self.places.give_back(admitted.place)

    def _judged(self, request: Request, condition: Condition, now: float) -> Refused | None:
        peer = request.address
        if not self._peers.admits(peer, request.names):
            return Refused(Refusal.FORBIDDEN)
        if request.method != "INVITE":  # a balancer asks whether new calls are accepted
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
        """Check credentials and rate. A wrong password counts against the peer's fork rate; a challenge does not."""
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
        """Give the fork a place, or return why it gets none. Reads the body only if the head is acceptable."""
        naming = self._reader.naming(head)
        if refusal := self._shut(request.address, naming.call_id, condition):
            return Refused(refusal)
        fork = self._reader.read(request.raw, head, naming)
        if fork.naming.call_id != naming.call_id and (refusal := self._shut(request.address, "", condition)):
            return Refused(refusal)
        if condition.analysis_overloaded and self._is_new(request.address, fork):
            return Refused(Refusal.ANALYSIS)
        if fork.offer.offers and (why := description.refusal(fork.offer.sdp, self._abilities)):
            return Refused(Refusal.UNACCEPTABLE, warning=why)
        call = self._call(request.address, fork.naming.call_id)
        self._admitted = Admitted(fork, self.places.take(request.address, call))
        return None

    def _shut(self, peer: str, call_id: str, condition: Condition) -> Refusal | None:
        """Why no fork of this call is accepted. A fork that joins an open call is exempt from drain and backlog: half a
        call is no use."""
        call = self._call(peer, call_id)
        if call is None or not self.places.knows(call):
            if condition.draining:
                return Refusal.DRAINING
            if condition.backlogged:
                return Refusal.BACKLOG
        return self.places.full(peer, call)

    def _is_new(self, peer: str, fork: Fork) -> bool:
        """Whether the fork would open another call. Only its metadata tells, so it is read first."""
        call = self._call(peer, fork.naming.call_id)
        return not (self.places.knows(call) if call else self._is_recorded(fork.offer))

    @staticmethod
    def _call(peer: str, call_id: str) -> tuple[str, str] | None:
        return (peer, call_id) if call_id else None


def overloaded(round_seconds: float, rounded_at: float, now: float) -> bool:
    """Whether the listener has just fallen behind. `round_seconds`: its last round; `rounded_at`: when that ended.

    `rounded_at` and `now` are seconds of one monotonic clock.
    """
    return round_seconds > OVERLOAD_SECONDS and now - rounded_at < OVERLOAD_LASTS_SECONDS
