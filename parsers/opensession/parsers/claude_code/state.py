"""What the Claude Code parser remembers of a source between two reads.

All of it is bounded: however long a transcript grows, its cursor does not. Calls are remembered
until they are answered, sidechains by their newest records, event ids only as far back as records
repeat themselves.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from opensession.core.hail import Attributes, SessionInfo

AGENT_NAME = "claude-code"

OPEN_CALLS = 64
"""Calls of one session that wait for their result; of more, the oldest are given up."""

STREAMS = 128
"""Subagents within one source that are remembered."""

CHAIN_RECORDS = 8
"""Newest records of a sidechain: what its next record can follow."""

RECENT_IDS = 32
"""At least so many event ids a record is compared with, at most twice as many."""

LISTED = 16
"""Folders, branches and the like that are listed of a session."""

PROMPT_CHARS = 1000
TITLE_CHARS = 200


class OpenCall(Struct, array_like=True, gc=False):
    """A call without its result: `seq` and `name`, and what its result will need of it.

    `edits` are texts before and after, kept while they are small; `prompt` a digest of what a
    subagent was told, by which its sidechain is found.
    """

    name: str
    path: str = ""
    edits: list[tuple[str, str]] = []
    prompt: bytes = b""
    title: str = ""
    seq: int = 0


class Response(Struct, array_like=True):
    """The last response whose records carry no message id, to know its further records."""

    message_id: str
    request_id: str
    uuid: str
    tokens: tuple[int, int, int, int]


class Stream(Struct, array_like=True):
    """One session that a source carries: its own, or a subagent's.

    `copy` marks what usually has a file of its own as well; `chain` holds the newest record ids of
    a sidechain.
    """

    id: str
    seq: int = 0
    copy: bool = False
    parent_call_id: str = ""
    title: str = ""
    first_prompt: str = ""
    first_command: str = ""
    model: str = ""
    calls: dict[str, OpenCall] = {}
    chain: list[str] = []
    response: Response | None = None


class State(Struct, array_like=True):
    """A source as far as it was read.

    `early` holds lines that came before any time was known; `ids` the newest event ids with their
    times, `repeats` how often one of them came again, `horizon_us` the newest time of those that
    were forgotten.
    """

    own: Stream
    auxiliary: bool = False
    others: dict[str, Stream] = {}
    last_us: int | None = None
    early: list[tuple[int, bytes]] = []
    ids: dict[str, int] = {}
    repeats: dict[str, int] = {}
    horizon_us: int = -1
    native_id: str = ""
    parent: str = ""
    cwd: str = ""
    last_cwd: str = ""
    branch: str = ""
    version: str = ""
    entrypoint: str = ""
    cwds: list[str] = []
    branches: list[str] = []
    related: list[str] = []
    custom_title: str = ""
    ai_title: str = ""
    summary: str = ""
    summaries_ahead: list[tuple[str, str]] = []
    tag: str = ""
    agent_name: str = ""
    agent_type: str = ""
    description: str = ""
    pull_requests: list[str] = []
    queued: list[str] = []
    attachments: bool = False
    ended: bool = False


_decoder = msgspec.msgpack.Decoder(State)
_encoder = msgspec.msgpack.Encoder()


def load(data: bytes) -> State:
    """The state that `dump` wrote."""
    return _decoder.decode(data)


def dump(state: State) -> bytes:
    """The state as it goes into a cursor."""
    return _encoder.encode(state)


def info_of(state: State, stream: Stream) -> SessionInfo:
    """All that is known of a session of the source."""
    if stream is state.own:
        return _own_info(state, stream)
    return SessionInfo(
        id=stream.id,
        agent=AGENT_NAME,
        provider="anthropic",
        model=stream.model,
        tool_version=state.version,
        title=stream.title,
        first_prompt=stream.first_prompt,
        cwd=state.cwd,
        last_cwd=state.last_cwd,
        git_branch=state.branch,
        role="auxiliary",
        parent=state.own.id,
        parent_call_id=stream.parent_call_id,
    )


def _own_info(state: State, stream: Stream) -> SessionInfo:
    attributes: Attributes = {}
    if len(state.cwds) > 1:
        attributes["all_cwds"] = list(state.cwds)
    if len(state.branches) > 1:
        attributes["git_branches"] = list(state.branches)
    for name, value in (
        ("agent_name", state.agent_name),
        ("agent_type", state.agent_type),
        ("entrypoint", state.entrypoint),
        ("native_id", state.native_id),
        ("tag", state.tag),
    ):
        if value:
            attributes[name] = value
    if state.pull_requests:
        attributes["pull_requests"] = list(state.pull_requests)
    return SessionInfo(
        id=stream.id,
        agent=AGENT_NAME,
        provider="anthropic",
        model=stream.model,
        tool_version=state.version,
        title=state.custom_title or state.ai_title or state.summary or state.description,
        first_prompt=stream.first_prompt or stream.first_command,
        cwd=state.cwd,
        last_cwd=state.last_cwd,
        git_branch=state.branch,
        role="auxiliary" if state.auxiliary else "primary",
        parent=state.parent,
        parent_call_id=stream.parent_call_id,
        related=list(state.related),
        attributes=attributes,
    )
