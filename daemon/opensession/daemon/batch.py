"""What goes from reading to storing: plain records, ready to be written, also through a pipe.

`prepare` makes them (in a worker process during a backlog, in a thread for an append); the writer
only appends frames and inserts rows, so the one write connection is never the one that waits.
"""

from __future__ import annotations

import msgspec

from opensession.core.hail import SessionInfo, Usage
from opensession.daemon.gitfacts import GitFacts
from opensession.parsers.agent import Cursor


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """Raw source bytes `offset .. offset+length`, compressed as one zstd frame."""

    offset: int
    length: int
    sha256: bytes
    data: bytes


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One event as it is stored. `body` is msgpack of `Body`, zstd-compressed where that is smaller
    (see `store.body`). `search` is the stripped text as FTS takes it (CJK runs as bigrams), `parts`
    the parts of its identifiers; both empty for events without text. `flags`: 1 = error.
    """

    event_id: str
    time_us: int
    type: str
    task_id: str | None
    flags: int
    body: bytes
    search: str
    parts: str


class Touch(msgspec.Struct, frozen=True, array_like=True):
    """A file that an event touched; `kind` is `read`, `edit`, `create` or `delete`."""

    seq: int
    path: str
    kind: str


class Secret(msgspec.Struct, frozen=True, array_like=True):
    """A secret that an event holds (seq 0: the title), so often, told by a keyed fingerprint alone.

    `call_seq` is the seq of the call whose result the event is, else 0.
    """

    seq: int
    fingerprint: bytes
    kind: str
    set: str
    confidence: str
    count: int
    call_seq: int


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """Sums over the rows of one `PreparedSession` that simply add up."""

    messages: int = 0
    user_messages: int = 0
    tool_calls: int = 0
    errors: int = 0
    lines_added: int = 0
    lines_removed: int = 0
    first_us: int = 0
    last_us: int = 0


class PrivateLine(msgspec.Struct, frozen=True, array_like=True):
    """A prompt of a session that says that it is private; time 0 where its agent tells none."""

    session: str
    seq: int
    time_us: int


class PreparedSession(msgspec.Struct, frozen=True, array_like=True):
    """A `parsers.agent.SessionDelta`, stripped and encoded: rows are seq `keep + 1` and on.

    `git` is the repository that the session's folder is in now.
    """

    info: SessionInfo
    keep: int
    rows: list[Row]
    usage: list[Usage]
    touches: list[Touch]
    tally: Tally
    redactions: dict[str, int]
    secondary: bool
    ended: bool
    git: GitFacts | None = None
    secrets: list[Secret] = []


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """One read of one source (its id in the index), ready to be stored.

    `expected_offset` is the cursor offset the read began from: the writer drops a batch that does
    not continue what it has. `raw_bytes` counts source bytes; `frame` is None when nothing is to be
    archived. `more` says that another batch of the same read follows. With `keeps` a session that
    a whole read does not mention stays as it is. What is `older` comes from an earlier generation
    of the archive, which it says nothing new about; of what is `partly` the rest of the archive is
    to follow, and until then its source counts as not read. The prompts in `private` say that their
    sessions are. `rules` tells the rules it was stripped by from others (empty: nobody asks). With
    `lost` it is what is left of an archive that is damaged, of so many bytes. `present` are the ids
    of all sessions that are in the source, where that was asked.
    """

    source_id: int
    expected_offset: int
    restarted: bool
    frame: Frame | None
    raw_bytes: int
    sessions: list[PreparedSession]
    cursor: Cursor
    parser_version: int
    strip_version: int
    skipped: dict[str, int]
    unknown: dict[str, int]
    more: bool
    keeps: bool = False
    older: bool = False
    partly: bool = False
    private: list[PrivateLine] = []
    rules: str = ""
    lost: int = 0
    present: list[str] | None = None


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """A read that gave nothing: `state` is `gone`, `refused` or `error`; `reason` holds no text of
    the source. The versions say which parser and rules failed, so that others may try again.
    """

    source_id: int
    state: str
    reason: str
    parser_version: int = 0
    strip_version: int = 0
