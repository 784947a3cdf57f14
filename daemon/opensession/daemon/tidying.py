"""What is done with indexes that were put aside, once the next one is complete: what neither
archive nor source could give again is taken over from them, then they are removed.

One that has sessions for which that is not sure (their file is there and is not read, say) is kept,
and told. What is forgotten is taken out of it, not over.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import apsw
import msgspec

from opensession.core.errors import OpenSessionError
from opensession.core.privacy import excluded
from opensession.daemon import admission, carrying, prepare, set_aside, tasks
from opensession.daemon.archive.space import DiskFull
from opensession.daemon.carrying import Asked, Lost, Survey
from opensession.daemon.guards import Guards
from opensession.daemon.privacy_rules import fingerprint
from opensession.daemon.reading import Setup
from opensession.daemon.store import forgetting
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import CorruptDatabase, open_index
from opensession.daemon.store.leaks_write import Leaks
from opensession.daemon.store.writer import Writer
from opensession.daemon.writing import Closed
from opensession.parsers.agent import Agent, Source
from opensession.parsers.stamps import stamp_of

log = logging.getLogger(__name__)

T = TypeVar("T")


class Tidied(msgspec.Struct, frozen=True):
    """So many sessions were `carried` over; so many are `left` in the indexes in `kept` alone.
    Those in `unread` are kept too, as they cannot be read.
    """

    carried: int = 0
    left: int = 0
    kept: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def told(self) -> list[str]:
        """What a person should know."""
        said = []
        if self.carried:
            what = "1 session is" if self.carried == 1 else f"{self.carried} sessions are"
            said.append(f"{what} in the index alone: neither archive nor agent has them any more")
        return said + self.left_behind

    @property
    def left_behind(self) -> list[str]:
        """What of that is not in order."""
        said = []
        if self.left:
            what = "1 session is" if self.left == 1 else f"{self.left} sessions are"
            said.append(f"{what} in the old index alone, which is kept: {', '.join(self.kept)}")
        if self.unread:
            said.append(f"an old index cannot be read, and is kept: {', '.join(self.unread)}")
        return said


class Write(Protocol):
    """Does work in the writer's thread."""

    def __call__(self, work: Callable[[Writer], T], /) -> Awaitable[T]:
        """The result of `work`. Raises Unreachable where there is no writer."""


async def tidy(
    index: Path,
    agents: Sequence[Agent],
    setup: Setup,
    guards: Guards | None,
    leaks: Leaks | None,
    write: Write,
    tell: Callable[[Sequence[Change]], None],
) -> Tidied:
    """Take over what nothing else has, and remove what has nothing more; the index is complete.

    May be cancelled at any time; what is done by then stays.
    """
    carried = left = 0
    kept: list[str] = []
    unread: list[str] = []
    prepared = functools.partial(prepare.restripped, taking=setup.taking(setup.stripper()))
    rules = fingerprint(setup.privacy)
    forgotten = _forgotten(guards)
    for aside in set_aside.all_aside(index):
        try:
            found = await asyncio.to_thread(_survey, aside, index, agents, setup, forgotten)
            for lost in found.lost:
                one = await asyncio.to_thread(carrying.taken, aside, lost, prepared, rules, leaks)
                if one is not None:
                    done, changes = await write(
                        functools.partial(carrying.store, one=one, is_forgotten=forgotten)
                    )
                    carried += done
                    tell(changes)
            if found.lost:
                found = await asyncio.to_thread(_survey, aside, index, agents, setup, forgotten)
        except (apsw.Error, CorruptDatabase, OpenSessionError, DiskFull) as error:
            log.warning("%s cannot be read, and is kept: %s", aside, type(error).__name__)
            unread.append(str(aside))
            continue
        if more := found.left + len(found.lost):
            log.warning("%d of the sessions are in an old index alone: %s is kept", more, aside)
            kept.append(str(aside))
            left += more
        else:
            # In the writer's thread, which has ended before another index is put aside.
            await write(functools.partial(_remove, aside))
    if carried:
        log.warning("%d sessions were taken over from an old index: nothing else has them", carried)
    if guards is not None and not (kept or unread):
        await write(lambda writer: guards.repositories.keep_only(writer.db))
    return Tidied(carried, left, tuple(kept), tuple(unread))


class Tidying:
    """The task that does `work`, which ends with an index that lacks nothing. `done` is what came
    of it last.
    """

    def __init__(self, index: Path, work: Callable[[], Coroutine[Any, Any, Tidied]]) -> None:
        self._index = index
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self.done = Tidied()

    def begin(self, history: bool) -> None:
        """Begins, if an index is aside; not without `history`, when nobody reads everything."""
        if history and set_aside.all_aside(self._index):
            self._task = tasks.spawn(self._run(), name="removal of the old index")

    async def cancel(self) -> None:
        """Breaks it off, since the index is about to be another one."""
        await tasks.cancel([] if self._task is None else [self._task])

    async def wait(self) -> Tidied:
        """What came of it, once it has ended."""
        while self._task is not None and not self._task.done():
            await asyncio.wait((self._task,))
        return self.done

    async def _run(self) -> None:
        try:
            self.done = await self._work()
        except (OpenSessionError, Closed) as error:
            log.warning("the new index is not complete, so the old one is kept: %s", error)


def _remove(aside: Path, writer: Writer) -> None:
    set_aside.remove(aside)


def _survey(
    aside: Path,
    index: Path,
    agents: Sequence[Agent],
    setup: Setup,
    forgotten: Callable[[str, str], bool],
) -> Survey:
    """What an index that was put aside has to give. What is forgotten is taken out of it."""
    by_name = {agent.name: agent for agent in agents}

    def exists(source: Source) -> bool:
        agent = by_name.get(source.agent)
        return stamp_of((source.path,) if agent is None else agent.files(source)) is not None

    def keeps(source: Source) -> bool:
        agent = by_name.get(source.agent)
        return agent is not None and agent.storage(source) == "rows"

    open_index(aside).close()  # brings an older one up to date
    found = carrying.survey(aside, index, Asked(exists, keeps))
    lost = []
    left = found.left
    for each in found.lost:
        session = each.session
        if forgotten(session.agent, session.native_id) or forgotten(session.agent, session.parent):
            forgetting.forget_aside(index, session.agent, {session.native_id})
        elif _is_kept_out(setup, each):
            left += 1
        else:
            lost.append(each)
    return Survey(lost, left)


def _is_kept_out(setup: Setup, lost: Lost) -> bool:
    """Whether the settings keep a session out; where its source is read, that is decided there."""
    session, rules = lost.session, setup.rules
    return (
        excluded(session.source.path, rules.excluded)
        or bool(admission.refusal(rules, session.folders, first=True))
        or admission.by_repository(session.folders[0])
    )


def _forgotten(guards: Guards | None) -> Callable[[str, str], bool]:
    if guards is None:
        return lambda agent, native_id: False
    return guards.is_private
