"""An agent of another distribution, kept from doing harm: what it raises or returns stays its own.

Its code runs inside the daemon to find sources, and in a process of its own to read them
(`Guarded` tells the daemon so). Here whatever it raises becomes an error of one source or one
folder, and what it returns is checked to be what `agent.Agent` promises.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

from opensession.core import ids
from opensession.parsers.agent import (
    Agent,
    Cursor,
    Delta,
    Environment,
    Root,
    SessionDelta,
    Source,
    SourceGone,
    SourceRefused,
    Storage,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

_decoder = msgspec.msgpack.Decoder(Delta)


class AgentFailed(Exception):
    """An agent's own code failed; the message names what it did and no text of a source."""


class Guarded(Agent):
    """The row of such an agent. Every method does what `Agent` says, whatever the other does."""

    foreign = True

    def __init__(self, inner: Agent) -> None:
        self._inner = inner
        self._said: set[str] = set()
        self.name = inner.name
        self.label = inner.label
        self.color = inner.color
        self.parser_version = inner.parser_version
        self.variables = inner.variables
        self.retention_days = inner.retention_days
        self.resume = inner.resume
        self.ids = inner.ids

    def roots(self, env: Environment) -> list[Root]:
        """Its folders; none where it fails."""
        none: list[Root] = []
        found = self._try("roots", lambda: list(self._inner.roots(env)), none)
        return [root for root in found if isinstance(root, Root) and self._is_absolute(root.path)]

    def sources(self, root: Root) -> Iterator[Source]:
        """Its sources. Raises `AgentFailed`, for half of them must not count as all."""
        try:
            for source in self._inner.sources(root):
                if isinstance(source, Source) and self._is_absolute(source.path):
                    yield Source(self.name, root.path, source.path)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            raise _failed("sources", error) from error

    def source_of(self, root: Root, path: str) -> Source | None:
        """The source of a path; None where it fails, so that the next look finds it."""
        found = self._try("source_of", lambda: self._inner.source_of(root, path), None)
        if not isinstance(found, Source) or not self._is_absolute(found.path):
            return None
        return Source(self.name, root.path, found.path)

    def files(self, source: Source) -> tuple[str, ...]:
        """The files of a source; its path alone where it fails."""
        none: tuple[str, ...] = ()
        found = self._try("files", lambda: tuple(self._inner.files(source)), none)
        good = bool(found) and all(map(self._is_absolute, found))
        return found if good else (source.path,)

    def storage(self, source: Source) -> Storage:
        """How a source is written; `whole` where it fails."""
        whole: Storage = "whole"
        found = self._try("storage", lambda: self._inner.storage(source), whole)
        return found if found in ("lines", "whole", "rows") else whole

    def place_of(self, source: Source, name: str) -> str:
        """Where an archived file lies; empty where it fails."""
        found = self._try("place_of", lambda: self._inner.place_of(source, name), "")
        return found if self._is_absolute(found) else ""

    def recognises(self, path: str, head: bytes) -> float:
        """How sure it is; not at all where it fails."""
        found = self._try("recognises", lambda: float(self._inner.recognises(path, head)), 0.0)
        return min(max(found, 0.0), 1.0) if found == found else 0.0  # NaN is not itself

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """What it reads. Raises `AgentFailed` beside what `Agent.read` may raise."""
        try:
            delta = _checked(self._inner.read(source, cursor))
        except (SourceGone, SourceRefused, MemoryError):
            raise
        except OSError as error:  # in the system's words: its own might name what it read
            raise OSError(error.errno, os.strerror(error.errno or 0)) from error
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            raise _failed("read", error) from error
        if delta.more and cursor is not None and delta.cursor == cursor:
            raise AgentFailed("read says that there is more, and does not go on")
        sessions = [self._own(session) for session in delta.sessions]
        present = delta.present and [ids.fit(self.name, each) for each in delta.present]
        return msgspec.structs.replace(delta, sessions=sessions, present=present)

    def _own(self, session: SessionDelta) -> SessionDelta:
        """A session under a name that fits, and as this agent's."""
        if session.keep < 0:
            raise AgentFailed("read keeps less than nothing of a session")
        info = session.info
        if info.agent == self.name and ids.fits(info.id):
            return session
        attributes = dict(info.attributes)
        if not ids.fits(info.id):
            attributes["native_id"] = info.id
        info = msgspec.structs.replace(
            info, id=ids.fit(self.name, info.id), agent=self.name, attributes=attributes
        )
        return msgspec.structs.replace(session, info=info)

    def _try(self, what: str, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            reason = f"{what}: {type(error).__name__}"
            if reason not in self._said:
                self._said.add(reason)
                log.warning("the agent %s fails in %s", self.name, reason)
            return otherwise

    @staticmethod
    def _is_absolute(path: object) -> bool:
        return isinstance(path, str) and path.startswith("/") and "\0" not in path


def _failed(what: str, error: BaseException) -> AgentFailed:
    return AgentFailed(f"{what} raised {type(error).__name__}")


def _checked(value: object) -> Delta:
    """A delta whose every field is of its type, through the bytes that a worker would send."""
    if not isinstance(value, Delta):
        raise TypeError
    return _decoder.decode(msgspec.msgpack.encode(value))
