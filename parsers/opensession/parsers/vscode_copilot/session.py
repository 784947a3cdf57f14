"""A chat session as a whole: what its head says, and where it was held."""

from __future__ import annotations

from opensession.core.hail import SessionInfo
from opensession.parsers.agent import Source
from opensession.parsers.copilot.fields import Object, obj, string, whole
from opensession.parsers.decoding import mend_text
from opensession.parsers.timeline import State
from opensession.parsers.vscode_copilot.uris import folder_of

_NAME_CHARACTERS = 256


def begin(source: Source) -> State:
    """The state of a session that was not read yet."""
    name = mend_text(source.path.rpartition("/")[2])
    state = State(id=name.rpartition(".")[0] or name or "unnamed")
    folder = folder_of(source)
    state.cwd = state.last_cwd = string(folder, "cwd")
    for key in ("workspace", "remote"):
        if value := string(folder, key):
            state.attributes[key] = value
    return state


def head(state: State, given: Object) -> None:
    """What a session says beside its requests: its title and its repository."""
    state.title = string(given, "customTitle")
    created = whole(given, "creationDate")
    if created is not None and created > 0 and not state.time_us and created < 1 << 42:
        state.time_us = created * 1000
    repository = obj(given, "repoData")
    state.branch = string(repository, "localBranch", _NAME_CHARACTERS) or state.branch
    state.commit = string(repository, "localHeadCommit", _NAME_CHARACTERS) or state.commit
    state.remote = string(repository, "remoteUrl", 4096) or state.remote
    place = string(given, "initialLocation", _NAME_CHARACTERS)
    if place:
        state.attributes["location"] = place


def is_empty(info: SessionInfo, count: int) -> bool:
    """Reports whether a session is a window in which nothing was asked yet."""
    return not count and not info.title
