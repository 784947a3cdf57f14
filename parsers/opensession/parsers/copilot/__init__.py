"""GitHub Copilot CLI, one folder a session.

~/.copilot/session-state/<uuid>/events.jsonl   and workspace.yaml beside it
~/.copilot/session-state/<uuid>.jsonl          before
~/.copilot/history-session-state/session_<uuid>_<milliseconds>.json   in the first versions
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from opensession.parsers.agent import Agent, Cursor, Delta, Environment, Root, Source, Storage
from opensession.parsers.copilot.book import NAME
from opensession.parsers.copilot.feed import EVENTS
from opensession.parsers.copilot.history import read_history
from opensession.parsers.copilot.workspace import FILE, files_of, read_session
from opensession.parsers.detection import begins_with_keys
from opensession.parsers.opening import walk
from opensession.parsers.places import absolute

STATE, HISTORY = "session-state", "history-session-state"

_SURE, _LIKELY = 0.95, 0.6
_WATCH_DEPTH = 1
"""The folders of the sessions; what they hold beside the events is none of ours."""


class Copilot(Agent):
    """The row of Copilot CLI; it holds no state."""

    name = NAME
    label = "GitHub Copilot CLI"
    color = "#8534f3"
    parser_version = 1
    variables: tuple[str, ...] = ("COPILOT_HOME",)
    retention_days: int | None = None
    resume: tuple[str, ...] = ("copilot", "--resume={id}")
    ids = "the name of the session's folder"

    def roots(self, env: Environment) -> list[Root]:
        """The folders of sessions, new and old, of every Copilot home."""
        moved = [env.variables.get(name, "") for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME")]
        homes = [absolute(env.variables.get("COPILOT_HOME", ""))]
        homes += [f"{base}/.copilot" for base in map(absolute, moved) if base]
        homes += [absolute(folder) for folder in env.extra]
        homes.append(f"{env.home}/.copilot")
        found: dict[str, Root] = {}
        for home in filter(None, homes):
            named = PurePosixPath(home).name in (STATE, HISTORY)
            for path in [home] if named else [f"{home}/{STATE}", f"{home}/{HISTORY}"]:
                found.setdefault(path, Root(self.name, path, _WATCH_DEPTH))
        return list(found.values())

    def sources(self, root: Root) -> Iterator[Source]:
        """Every session below `root`."""
        for path in walk(root.path, _is_wanted):
            source = self.source_of(root, path)
            if source is not None:
                yield source

    def source_of(self, root: Root, path: str) -> Source | None:
        """The session that a path belongs to: its events, or what stands beside them."""
        base = root.path.rstrip("/") + "/"
        if not path.startswith(base):
            return None
        parts = path[len(base) :].split("/")
        if len(parts) == 2 and parts[1] in (EVENTS, FILE):
            return Source(self.name, root.path, f"{base}{parts[0]}/{EVENTS}")
        if len(parts) == 1 and _is_wanted(parts[0]) and parts[0] != EVENTS:
            return Source(self.name, root.path, path)
        return None

    def recognises(self, path: str, head: bytes) -> float:
        """By the first record, or by what the first versions kept."""
        if begins_with_keys(head, "type", "data", "id", "parentId"):
            return _SURE if b'"copilotVersion"' in head else _LIKELY
        return _SURE if begins_with_keys(head, "sessionId", "chatMessages", "timeline") else 0.0

    def read(self, source: Source, cursor: Cursor | None) -> Delta:
        """Reads on in a session."""
        if self.storage(source) == "whole":
            return read_history(source, cursor)
        return read_session(source, cursor)

    def files(self, source: Source) -> tuple[str, ...]:
        """The events and the file beside them."""
        return files_of(source)

    def storage(self, source: Source) -> Storage:
        """Old sessions are written whole."""
        return "whole" if source.path.endswith(".json") else "lines"


def _is_wanted(name: str) -> bool:
    if name.startswith("session_"):
        return name.endswith(".json")
    return name == EVENTS or name.endswith(".jsonl")


AGENT: Agent = Copilot()
