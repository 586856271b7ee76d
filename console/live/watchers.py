"""Views of one call each: woken when something of it may have changed. They look at the board themselves."""

from __future__ import annotations

import asyncio

from console.live.browsers import Full

MOST_OF_A_CALL = 4


class Watcher:
    """One view's alarm. Nothing is queued for it: it is rung, or not."""

    def __init__(self, call_id: str) -> None:
        self.call_id = call_id
        self.is_over = False
        self._awake = asyncio.Event()

    async def woken(self) -> None:
        """Wait until the call may have changed since the last time, or it is over."""
        await self._awake.wait()
        self._awake.clear()

    def wake(self) -> None:
        """Let `woken` return."""
        self._awake.set()

    def end(self) -> None:
        """Nobody looks at the view any more."""
        self.is_over = True
        self.wake()


class Watchers:
    """All of the process: `most` of them, and of one call MOST_OF_A_CALL."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: dict[str, set[Watcher]] = {}
        self._count = 0
        self._closing = False

    def join(self, call_id: str) -> Watcher:
        """A new one, which must `leave`. Raises Full."""
        if self._closing or self._count >= self._most or len(self._of.get(call_id, ())) >= MOST_OF_A_CALL:
            raise Full
        watcher = Watcher(call_id)
        self._of.setdefault(call_id, set()).add(watcher)
        self._count += 1
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Forget one that has joined."""
        those = self._of[watcher.call_id]
        those.remove(watcher)
        self._count -= 1
        if not those:
            del self._of[watcher.call_id]

    def wake(self, call_id: str) -> None:
        """Wake those of a call."""
        for watcher in self._of.get(call_id, ()):
            watcher.wake()

    def wake_all(self) -> None:
        """Wake all: what they show beside their call has changed."""
        for call_id in self._of:
            self.wake(call_id)

    def close(self) -> None:
        """End all, and take no new one."""
        self._closing = True
        for those in self._of.values():
            for watcher in those:
                watcher.end()
