"""An agent of another distribution that does everything wrong: what `Guarded` makes of it."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from opensession.core.hail import Event, SessionInfo, text
from opensession.parsers.agent import (
    Agent,
    Cursor,
    Delta,
    Environment,
    Root,
    SessionDelta,
    Source,
    SourceGone,
    Storage,
)
from opensession.parsers.guarded import AgentFailed, Guarded

ENV = Environment(home="/home/a", variables={}, platform="linux")
ROOT = Root("odd", "/home/a/.odd")
SOURCE = Source("odd", "/home/a/.odd", "/home/a/.odd/s.odd")
EVENT = Event(event_id="e", time_us=1, type="UserMessage", blocks=[text("words of a session")])


class Odd(Agent):
    """Does whatever a test says, whichever method is called."""

    name = "odd"
    label = "Odd"
    color = "#000000"
    parser_version = 3
    variables: tuple[str, ...] = ()
    retention_days: int | None = None
    resume: tuple[str, ...] = ()
    ids = "none"

    def __init__(self, does: Callable[[], Any]) -> None:
        self.does = does

    def roots(self, env: Environment) -> list[Root]:
        return self.does()  # type: ignore[no-any-return]

    def sources(self, root: Root) -> Iterator[Source]:
        yield SOURCE
        yield from self.does()

    def source_of(self, root: Root, path: str) -> Source | None:
        return self.does()  # type: ignore[no-any-return]

    def files(self, source: Source) -> tuple[str, ...]:
        return self.does()  # type: ignore[no-any-return]

    def storage(self, source: Source) -> Storage:
        return self.does()  # type: ignore[no-any-return]

    def recognises(self, path: str, head: bytes) -> float:
        return self.does()  # type: ignore[no-any-return]

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        return self.does()  # type: ignore[no-any-return]


def fails() -> Any:
    raise ValueError("words of a session")


def ends() -> Any:
    sys.exit(3)


def session(**other: Any) -> SessionDelta:
    values = {"info": SessionInfo(id="s", agent="odd"), "keep": 0, "events": [EVENT], **other}
    return SessionDelta(**values)


@pytest.mark.parametrize("does", [fails, ends, lambda: 5, lambda: [None, 7], lambda: "\0"])
def test_to_look_for_sources_never_fails_and_gives_what_is_promised(
    does: Callable[[], Any],
) -> None:
    agent = Guarded(Odd(does))
    assert agent.roots(ENV) == []
    assert agent.source_of(ROOT, "/home/a/.odd/s.odd") is None
    assert agent.files(SOURCE) == (SOURCE.path,)
    assert agent.storage(SOURCE) == "whole"
    assert 0.0 <= agent.recognises("s.odd", b"") <= 1.0


def test_what_is_right_is_passed_on() -> None:
    delta = Delta(cursor=Cursor(offset=1), sessions=[session()])
    assert Guarded(Odd(lambda: [ROOT])).roots(ENV) == [ROOT]
    assert Guarded(Odd(lambda: SOURCE)).source_of(ROOT, SOURCE.path) == SOURCE
    assert Guarded(Odd(lambda: ("/a", "/b"))).files(SOURCE) == ("/a", "/b")
    assert Guarded(Odd(lambda: "rows")).storage(SOURCE) == "rows"
    assert Guarded(Odd(lambda: delta)).read(SOURCE, None) == delta
    assert Guarded(Odd(fails)).parser_version == 3


@pytest.mark.parametrize("does", [fails, ends])
def test_half_a_list_of_sources_is_none(does: Callable[[], Any]) -> None:
    with pytest.raises(AgentFailed):
        list(Guarded(Odd(does)).sources(ROOT))


@pytest.mark.parametrize(
    "does",
    [
        fails,
        ends,
        lambda: None,
        lambda: Delta(cursor=Cursor(), sessions=[session(keep=-1)]),
        lambda: Delta(cursor=Cursor(), sessions=[session(events=[5])]),
        lambda: Delta(cursor=Cursor(offset="much")),  # type: ignore[arg-type]
        lambda: Delta(cursor=Cursor(offset=7), more=True),  # and nothing was read since
    ],
)
def test_a_read_that_is_wrong_is_an_error_without_words(does: Callable[[], Any]) -> None:
    with pytest.raises(AgentFailed) as failed:
        Guarded(Odd(does)).read(SOURCE, Cursor(offset=7))
    assert "words" not in str(failed.value)


@pytest.mark.parametrize("error", [SourceGone("x"), OSError(5, "x"), MemoryError()])
def test_what_a_read_may_raise_it_raises(error: Exception) -> None:
    def raises() -> Any:
        raise error

    with pytest.raises(type(error)):
        Guarded(Odd(raises)).read(SOURCE, None)


def test_a_session_has_a_name_that_fits_and_is_this_agents() -> None:
    odd = session(info=SessionInfo(id="../../\x1b[31m", agent="codex"))
    (found,) = (
        Guarded(Odd(lambda: Delta(cursor=Cursor(), sessions=[odd]))).read(SOURCE, None).sessions
    )
    assert found.info.agent == "odd"
    assert found.info.id.startswith("odd-")
    assert found.info.attributes["native_id"] == "../../\x1b[31m"


def test_an_error_of_the_system_is_told_in_the_systems_words() -> None:
    def raises() -> Any:
        raise OSError(errno.EIO, "words of a session")

    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        Guarded(Odd(raises)).read(SOURCE, None)
