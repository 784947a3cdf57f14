"""What the parts of publishing share: the index, `user.db`, the hub, and the settings of now."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import apsw

from opensession.core.config import Loaded, Settings
from opensession.core.config.settings import agent_name
from opensession.core.paths import Paths
from opensession.core.privacy import Stripper
from opensession.core.privacy.exclude import excluded
from opensession.daemon.library import Library
from opensession.daemon.privacy_rules import fingerprint
from opensession.daemon.publish.ends import Ends
from opensession.daemon.publish.link import Link
from opensession.daemon.publish.policy import Stream
from opensession.daemon.publish.records import Publication
from opensession.daemon.publish.session import Family
from opensession.daemon.publish.standing import Circumstances, Standing, judge
from opensession.daemon.repository_rules import rules_for
from opensession.daemon.user_data import UserData

P = ParamSpec("P")
T = TypeVar("T")


class Query(Protocol):
    """Runs `fn(db, …)` on a connection to an index, in another thread."""

    async def __call__(
        self, fn: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...


class Parts:
    """`loaded` gives the configuration as it is now; `streams` is replaced when it changes."""

    def __init__(
        self,
        paths: Paths,
        environ: Mapping[str, str],
        library: Library,
        user: UserData,
        link: Link,
        loaded: Callable[[], Loaded],
    ) -> None:
        self.paths = paths
        self.environ = environ
        self.library = library
        self.user = user
        self.link = link
        self.loaded = loaded
        self.streams: list[Stream] = []
        self._query: Query = library.query
        self.ends = Ends(lambda: int(self.settings().daemon.session_end_idle_secs * 1_000_000))

    def of_index(self, query: Query) -> Parts:
        """The same over another index, whose sessions no policy covers."""
        other = copy.copy(self)
        other._query = query
        other.streams = []
        return other

    def settings(self) -> Settings:
        """The settings of now."""
        return self.loaded().settings

    async def query(
        self, fn: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `fn(index, …)` gives."""
        return await self._query(fn, *args, **kwargs)

    async def record(
        self, fn: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `fn(user.db, …)` gives."""
        return await self.user.run(lambda db: fn(db, *args, **kwargs))

    @property
    def stripper(self) -> Stripper:
        """What takes out what must not leave."""
        found = self.library.context().stripper
        assert found is not None  # noqa: S101 - the library always has one
        return found

    @property
    def rules(self) -> str:
        """What tells the rules of stripping of now from others."""
        return fingerprint(self.settings().privacy)

    def circumstances(self, now_us: int) -> Circumstances:
        """What a judgement depends on, as it is now; for any thread."""
        settings = self.settings()
        may_leave = self.library.context().may_leave
        pauses = self.library.pauses
        pause = pauses.current if pauses is not None else None

        def keeps(found: Family) -> str:
            for one in dict.fromkeys((found.root, found.session)):
                why = may_leave(one.agent, one.native_id, one.blocked())
                if why:
                    return why
                places = (one.path, one.cwd, one.last_cwd)
                if any(excluded(place, settings.privacy.exclude_paths) for place in places):
                    return "its folder is excluded"
                if any(excluded(place, rules_for(place).exclude_paths) for place in places[1:]):
                    return "its repository excludes its folder"
                if one.agent in map(agent_name, settings.privacy.exclude_tools):
                    return "its agent is excluded"
            return ""

        return Circumstances(
            now_us=now_us,
            streams=tuple(self.streams),
            rules=settings.publish.rules,
            own_rules=rules_for,
            keeps=keeps,
            over=lambda found: self.ends.over(found, now_us),
            paused_until_us=pause.until_us if pause is not None else 0,
            stripping=self.rules,
        )

    async def judge(self, found: Family, made: Publication | None, now_us: int) -> Standing:
        """How a session stands; reads the repository's own rules, so not in the loop's thread."""
        here = self.circumstances(now_us)
        return await self.query(lambda db: judge(found, made, here))
