"""What has to be known of a rollout to go on reading it: small, whatever the rollout's size."""

from __future__ import annotations

import re
import zlib

import msgspec

from opensession.core import ids
from opensession.core.hail import Attributes, SessionInfo
from opensession.parsers.decoding import mend_text

OPEN_CALLS = 128
RECENT_CALLS = 128
RECENT_IDS = 64
RECENT_TEXTS = 16
ID_CHARACTERS = 256
"""A longer id, name or time is no such thing, and none is kept."""

PATH_CHARACTERS = 4096
DIFF_BYTES = 256 << 10
"""Characters; the diff of one file is kept for its result up to here."""

DIFFS_BYTES = 1 << 20
"""Characters; all diffs kept for results of open calls together."""

_UUID = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\Z", re.I)


class FileOf(msgspec.Struct, array_like=True):
    """One file of a patch: the seq of its event, its path as named, the diff to be reported."""

    seq: int
    path: str
    diff: str = ""


class OpenCall(msgspec.Struct, array_like=True):
    """A call whose output has not come: what its result will need to say."""

    seq: int
    name: str
    kind: str
    tool: str
    files: list[FileOf] = []
    exit_code: int | None = None
    duration_ms: int | None = None
    failed: bool = False
    subagent: str = ""


class State(msgspec.Struct, array_like=True):
    """Between two reads of one rollout. All of it is bounded but for what a header names."""

    # the session as a whole
    id: str = ""
    attributes: Attributes = {}
    provider: str = ""
    model: str = ""
    tool_version: str = ""
    title: str = ""
    first_prompt: str = ""
    cwd: str = ""
    last_cwd: str = ""
    branch: str = ""
    commit: str = ""
    remote: str = ""
    auxiliary: bool = False
    parent: str = ""
    related: list[str] = []
    # where reading is
    count: int = 0
    time_us: int = 0
    stamp: str = ""
    metas: int = 0
    lineage: str = ""
    turn: str = ""
    # calls without output; calls that had theirs (1: with an exit code); ids and how often
    open: dict[str, OpenCall] = {}
    closed: dict[int, int] = {}
    ids: dict[int, int] = {}
    # messages come twice, as response items and as events: which of them count
    responses: bool = False
    told: list[int] = []
    last_text: int = 0
    compacted: bool = False
    # tokens
    recorded: list[int] = []
    totals: list[int] = []


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(State)


def load(data: bytes) -> State:
    """The state after the lines before; a new one at the beginning."""
    return _decoder.decode(data) if data else State()


def dump(state: State) -> bytes:
    return _encoder.encode(state)


def mark(text: str) -> int:
    """A small number for a text, to notice the same text again soon."""
    return zlib.crc32(text.encode("utf-8", "replace"))


def remember(recent: dict[int, int], key: int, value: int, limit: int) -> None:
    """Sets a value as the latest, and forgets the oldest beyond `limit`."""
    recent.pop(key, None)
    recent[key] = value
    if len(recent) > limit:
        del recent[next(iter(recent))]


def keep_open(state: State, call_id: str, call: OpenCall) -> None:
    """Waits for the output of a call; the oldest of too many is no longer waited for."""
    if len(call_id) > ID_CHARACTERS:
        return
    state.open.pop(call_id, None)
    state.open[call_id] = call
    if len(state.open) > OPEN_CALLS:
        del state.open[next(iter(state.open))]


def keep_diff(state: State, file: FileOf, diff: str) -> None:
    """Keeps the diff of a file for its result; none is kept where it is too large to keep."""
    file.diff = ""
    if len(diff) > DIFF_BYTES:
        return
    kept = sum(len(other.diff) for call in state.open.values() for other in call.files)
    if kept + len(diff) <= DIFFS_BYTES:
        file.diff = diff


def id_of_path(path: str) -> str:
    """The id in a rollout's file name: the UUID at its end, else the whole stem."""
    stem = path.rsplit("/", 1)[-1].removesuffix(".zst").removesuffix(".jsonl")
    found = _UUID.search(stem)
    return found[1] if found else mend_text(stem)


def info_of(state: State, agent: str) -> SessionInfo:
    """The session as known so far."""
    session_id = ids.fit(agent, state.id)
    attributes = dict(state.attributes)
    if session_id != state.id:
        attributes["native_id"] = state.id
    return SessionInfo(
        id=session_id,
        agent=agent,
        provider=state.provider,
        model=state.model,
        tool_version=state.tool_version,
        title=state.title,
        first_prompt=state.first_prompt,
        cwd=state.cwd,
        last_cwd=state.last_cwd or state.cwd,
        git_branch=state.branch,
        git_commit=state.commit,
        git_remote=state.remote,
        role="auxiliary" if state.auxiliary else "primary",
        parent=ids.fit(agent, state.parent) if state.parent else "",
        related=[ids.fit(agent, other) for other in state.related],
        attributes=attributes,
    )
