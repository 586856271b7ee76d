"""SIP and RTP: the thread that owns the library from start to end. One of the files that use pjsua2.

It polls the library, drains a queue of commands and runs every callback. No other thread of the process calls into the
library, except to take audio from the rings (`ring`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue

import pjsua2 as pj
from prometheus_client import Gauge, Histogram

from service.owned_thread import OwnedThread
from sip_bridge.admission.admission import Admission, Condition, Refused, Request, overloaded
from sip_bridge.admission.digest import Digest
from sip_bridge.admission.peers import Peers
from sip_bridge.admission.places import Limits
from sip_bridge.calls.ending import Ending
from sip_bridge.calls.feeds import Feeds
from sip_bridge.calls.open_calls import OpenCalls
from sip_bridge.contacts.contacts import Contacts
from sip_bridge.hearing.listener import Listener
from sip_bridge.pjsip import account, library, open_files, transports
from sip_bridge.pjsip.account import Account
from sip_bridge.pjsip.callback import tried
from sip_bridge.pjsip.certificates import Connections
from sip_bridge.pjsip.context import DialogContext
from sip_bridge.pjsip.dialog import Dialog
from sip_bridge.pjsip.door import Door
from sip_bridge.pjsip.library import Library
from sip_bridge.request import description
from sip_bridge.request.description import Abilities
from sip_bridge.request.fork import ForkReader
from sip_bridge.request.roles import AgentRules
from sip_bridge.request.vendors import Vocabulary
from sip_bridge.settings import BridgeSettings

POLL_SECONDS = 0.02
"""How long one poll of the library takes; a command waits at most this long."""
INSPECTION_SECONDS = 2.0
"""Between two readings of a stream's statistics."""
OPENING_SECONDS = 15.0

HELD_SECONDS = Histogram(
    "callvane_sip_thread_held_seconds",
    "Longest time that one SIP message held the SIP thread, per poll of the library that processed any.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)
STALLED_SECONDS = Gauge(
    "callvane_sip_thread_stalled_seconds",
    "How long the SIP thread has been stuck; 0 when healthy.",
)

log = logging.getLogger(__name__)


class Endpoint:
    """Answers SIP from `start` to `stop`. `drain` and `stop` may be called from any thread."""

    def __init__(
        self, settings: BridgeSettings, listener: Listener, words: Vocabulary, contacts: Contacts | None = None
    ) -> None:
        """`words`: vendors' names for headers and elements. `contacts`: None if nothing is said of callers."""
        self.settings = settings
        self.listener = listener
        self.dialogs: dict[int, Dialog] = {}
        """Strong references, by our dialog numbers: the library's call object is destroyed with the last reference."""
        self.calls = OpenCalls(settings, listener, contacts=contacts)
        self.draining = False
        self.backlogged = False
        """Set from outside while Redis accepts messages too slowly for more calls."""
        self.analysis_overloaded = False
        """Set from outside while analysis cannot take more calls."""
        self.connections = Connections()
        rules = AgentRules(settings.agent_uri_patterns, settings.agent_extensions, settings.agent_side)
        users = {user: secret.get_secret_value() for user, secret in settings.digest_users.items()}
        self.abilities = Abilities(transports.families(settings), description.PROFILES[settings.srtp])
        self.peers = Peers(settings.allowed_peers, settings.allowed_certificates)
        self.admission = Admission(
            self.peers,
            Digest(settings.digest_realm, users, settings.digest_algorithms) if users else None,
            Limits(settings.max_calls, settings.max_calls_per_peer, settings.max_dialogs),
            settings.new_forks_per_second,
            ForkReader(
                *(rules, words, settings.plain_role),
                *(settings.join_header, settings.role_header, settings.caller_header),
            ),
            self.abilities,
            lambda offer: self.calls.recordings.knows(offer, time.monotonic()),
        )
        feeds = Feeds(self.calls, self.later)
        self._context = DialogContext(settings, rules, words, self.admission, feeds, self.later, self._forget)
        self._commands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._running = True
        self._ended: list[Dialog] = []
        self._opened: Future[int] = Future()
        self.turned_at = time.monotonic()
        """When the last poll of the library returned (monotonic). If long ago, the library hangs."""
        STALLED_SECONDS.set_function(lambda: max(0.0, time.monotonic() - self.turned_at - 2 * POLL_SECONDS))
        self.tls_port = 0
        """Port of SIP over TLS, set by `start`; 0 without TLS."""
        self._thread = OwnedThread("sip", self._run)
        self.ended = self._thread.ended
        """See `owned_thread.OwnedThread`. However the started thread ends, it hangs up all calls first."""

    def start(self) -> int:
        """Start listening and return the SIP port. Raises ConfigError if these settings do not allow it."""
        self._thread.start()
        return self._opened.result(OPENING_SECONDS)

    @property
    def held(self) -> int:
        """Number of forks that feed a call or are about to. Any thread."""
        return sum(dialog.holds for dialog in list(self.dialogs.values()))

    def drain(self) -> None:
        """Refuse new forks from now on."""
        self._commands.put(self._drain)

    def stop(self, timeout_seconds: float) -> bool:
        """Hang up all calls and close the library. Returns False on timeout; the thread is then left running."""
        self._commands.put(self._stop)
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    # Everything below runs on the library's thread.

    def _run(self) -> None:
        try:
            pjsua, door = Library(self.connections), self._door()
            accounts = self._open(pjsua, door)
        except Exception as error:
            self._opened.set_exception(error)
            return
        try:
            self._serve(pjsua, door)
        finally:
            self._close(pjsua, door, accounts)

    def _door(self) -> Door:
        return Door(self.judge, self.connections, self.admission.noise, self.abilities)

    def _serve(self, pjsua: Library, door: Door) -> None:
        due = time.monotonic()
        waiting: list[int] = []  # dialogs still to be inspected before `due`
        spacing = INSPECTION_SECONDS
        while self._running:
            self._turn(pjsua, door)
            self.turned_at = now = time.monotonic()
            while waiting and now >= due - len(waiting) * spacing:
                if dialog := self.dialogs.get(waiting.pop()):
                    tried("inspection", dialog.inspect, now)
            if now >= due:
                due, waiting = now + INSPECTION_SECONDS, list(self.dialogs)
                spacing = INSPECTION_SECONDS / max(1, len(waiting))
                tried("report", self._report, pjsua, door, now)

    def _turn(self, pjsua: Library, door: Door) -> None:
        pjsua.libHandleEvents(round(POLL_SECONDS * 1000))
        if held := door.held():
            HELD_SECONDS.observe(held)
        tried("settling", self.admission.settle)
        self._ended.clear()  # a call object must not be destroyed within its own callback
        while True:
            try:
                command = self._commands.get_nowait()
            except Empty:
                return
            tried("command", command)

    def _report(self, pjsua: Library, door: Door, now: float) -> None:
        pjsua.report()
        door.look_round(now)
        if noise := self.admission.noise.line(now):
            log.warning("%s", noise)

    def _drain(self) -> None:
        self.draining = True

    def _stop(self) -> None:
        self._running = False

    def _open(self, pjsua: Library, door: Door) -> list[Account]:
        settings = self.settings
        pjsua.libCreate()
        pjsua.libInit(library.configured(settings, pjsua))
        door.let_in(self.peers, open_files.connections(settings.max_calls))
        door.open()
        listening = transports.listen(pjsua, settings)
        port, self.tls_port = listening.port, listening.tls_port
        pjsua.libStart()
        pjsua.audDevManager().setNoDev()
        accounts = [Account(self._context, self._hold)]
        accounts[0].create(account.configured(settings))
        for identity in listening.tls_transports:
            accounts.append(Account(self._context, self._hold))
            accounts[-1].create(account.configured(settings, identity))
        if not settings.bridge_id:
            self.calls.bridge_id = settings.model_copy(update={"port": port}).name
        self._opened.set_result(port)
        return accounts

    def _close(self, pjsua: Library, door: Door, accounts: list[Account]) -> None:
        self.draining = True
        deadline = time.monotonic() + self.settings.shutdown_seconds
        for dialog in list(self.dialogs.values()):
            tried("hanging up", dialog.end, Ending.SHUTDOWN)
        while self.dialogs and time.monotonic() < deadline:
            self._turn(pjsua, door)
        for dialog in list(self.dialogs.values()):
            tried("closing", dialog.over, Ending.SHUTDOWN)
        self._ended.clear()
        for each in accounts:
            each.shutdown()
        accounts.clear()
        pjsua.libDestroy(pj.PJSUA_DESTROY_NO_NETWORK)  # nothing is left to send; otherwise this waits a second

    def judge(self, request: Request) -> Refused | None:
        """Return the refusal of a request outside a dialog, or None if admitted. See `Admission.judge`."""
        now = time.monotonic()
        behind = overloaded(self.listener.round_seconds, self.listener.rounded_at, now)
        condition = Condition(behind, self.draining, self.backlogged, self.analysis_overloaded)
        return self.admission.judge(request, condition, now)

    def later(self, command: Callable[[], None]) -> None:
        """Schedule a function that must not run within a callback of the library."""
        self._commands.put(command)

    def _hold(self, dialog: Dialog) -> None:
        self.dialogs[dialog.number] = dialog

    def _forget(self, number: int) -> None:
        """Drop an ended dialog, once its callback has returned."""
        if dialog := self.dialogs.pop(number, None):
            if dialog.place:
                self.admission.places.give_back(dialog.place)
            self._ended.append(dialog)
