"""Scribe, an agent that does not exist: `~/.scribe/<id>.scribe`, a line a message."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from opensession.core.hail import text
from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source
from opensession.parsers.jsonl import Fed, Line, read_lines
from opensession.parsers.opening import walk
from opensession.parsers.timeline import Timeline, dump, load
from opensession.parsers.times import parse_stamp


class Scribe(Agent):
    name = "scribe"
    label = "Scribe"
    color = "#7c3aed"
    parser_version = 1
    variables: tuple[str, ...] = ("SCRIBE_HOME",)
    retention_days: int | None = None
    resume: tuple[str, ...] = ("scribe", "open", "{id}")
    ids = "the name of the file"

    def roots(self, env: Environment) -> list[Root]:
        folder = env.variables.get("SCRIBE_HOME") or f"{env.home}/.scribe"
        return [Root(self.name, path, 0) for path in (folder, *env.extra)]

    def sources(self, root: Root) -> Iterator[Source]:
        for path in walk(root.path, lambda name: name.endswith(".scribe")):
            yield Source(self.name, root.path, path)

    def source_of(self, root: Root, path: str) -> Source | None:
        below = path.startswith(root.path.rstrip("/") + "/")
        return Source(self.name, root.path, path) if below and path.endswith(".scribe") else None

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        return read_lines(source, cursor, feed)


def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
    """The events of some lines: a pure function, so that a file may be read in any pieces."""
    session = Timeline("scribe", load(state))
    session.state.id = session.state.id or PurePosixPath(source.path).stem
    for line in lines:
        time, _, rest = line.data.decode("utf-8", "replace").partition("\t")
        who, _, words = rest.partition("\t")
        session.at(parse_stamp(time), who, line.data)
        if who == "me":
            session.prompt(None, [text(words)])
        elif who == "scribe":
            session.emit("AgentMessage", None, blocks=[text(words)])
        else:
            session.unknown(who, {"line": words})
    return Fed(
        sessions=[session.delta()],
        state=dump(session.state),
        skipped=session.skipped,
        unknown=session.unknown_counts,
    )


AGENT = Scribe()
