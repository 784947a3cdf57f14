"""Whether a session is over: its agent said so, its process is gone, or it is silent for long."""

from __future__ import annotations

from collections.abc import Callable

from opensession.daemon.publish.session import Family, Session

HINT_SLACK_US = 2_000_000
"""What an agent still writes so long after its hook said that it ends does not undo that."""

LOOK_US = 15_000_000
"""How often processes are looked at while a session waits for its end."""


class Ends:
    """What is known of ends besides the index. `idle_us` is the silence that counts as an end."""

    def __init__(self, idle_us: Callable[[], int]) -> None:
        self._idle_us = idle_us
        self._hinted: dict[tuple[str, str], int] = {}
        self._seen: set[tuple[str, str]] = set()
        self._left: dict[tuple[str, str], int] = {}

    def hinted(self, agent: str, native_id: str, now_us: int) -> None:
        """A hook said that a session ended."""
        self._hinted[agent, native_id] = now_us

    def process(self, root: Session, *, alive: bool, now_us: int) -> bool:
        """Whether a process of the agent works in the session's folder; reports whether that says
        that the session ended.
        """
        if alive:
            self._seen.add(root.key)
            self._left.pop(root.key, None)
            return False
        if root.key in self._seen:
            self._seen.discard(root.key)
            self._left[root.key] = now_us
            return True
        return False

    def over(self, found: Family, now_us: int) -> int:
        """0 if a session (with its root) is over, else when to look again at the latest."""
        session, root = found.session, found.root
        if session.ended and root.ended:
            return 0
        last = max(_quiet_since(session, now_us), _quiet_since(root, now_us))
        for told in (self._hinted.get(root.key, 0), self._left.get(root.key, 0)):
            if told and told + HINT_SLACK_US >= last:
                return 0
        due = last + self._idle_us()
        return 0 if due <= now_us else due

    def forget(self, key: tuple[str, str]) -> None:
        """A session is gone."""
        self._hinted.pop(key, None)
        self._left.pop(key, None)
        self._seen.discard(key)


def _quiet_since(session: Session, now_us: int) -> int:
    """The last sign of life; times of the future are of a wrong clock."""
    return max(at for at in (session.updated_us, session.changed_us, 0) if at <= now_us)
