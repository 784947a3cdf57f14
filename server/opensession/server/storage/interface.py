"""What the routes ask of the storage of sessions, and nothing else.

SQLite with a folder of bodies is one storage (`sqlite.py`); others can follow behind `Storage`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from opensession.core.hub import Have
from opensession.server.tally import Fact

Sort = Literal["recent", "popular", "longest"]
ChangeKind = Literal["created", "updated", "rewound", "deleted"]
Why = Literal["recalled", "deleted", "expired"]


class Key(msgspec.Struct, frozen=True):
    """What a session is on the hub."""

    owner: str
    device: str
    agent: str
    id: str


class Visible(msgspec.Struct, frozen=True):
    """Whose sessions count: those of the account `owner` ("": of none), or of everyone."""

    owner: str = ""
    everyone: bool = False


class Lines(Protocol):
    """The lines of received events, each with its line feed, wherever they are held."""

    def size(self) -> int:
        """Bytes in all."""
        ...

    def write_to(self, descriptor: int, start: int, offset: int) -> None:
        """Writes what follows the first `start` bytes to a file from `offset` on."""
        ...


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a header says, to list a session and to find it; empty where it says nothing."""

    role: str = "primary"
    parent: str = ""
    title: str = ""
    description: str = ""
    provider: str = ""
    model: str = ""
    tags: tuple[str, ...] = ()
    repository: str = ""
    git_remote: str = ""
    git_branch: str = ""
    git_commit: str = ""
    directory: str = ""
    related: tuple[str, ...] = ()
    created_us: int = 0
    updated_us: int = 0


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Valid events that were received, `first` being the seq of the first of them and `chain` the
    chain before it. Of each: the chain after it (`hashes`), where it ends in `lines` (`ends`), and
    what adds up (`facts`). `links`, `team`, `expires_us`… are taken where they are given.
    """

    key: Key
    generation: int
    rewind: int
    first: int
    chain: bytes
    header: bytes
    about: About
    lines: Lines
    hashes: Sequence[bytes]
    ends: Sequence[int]
    facts: Sequence[Fact]
    expires_us: int | None = None
    team: str = ""
    links: tuple[str, ...] = ()
    score_plugin: str = ""
    body_url: str = ""
    pr: str = ""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What is on the disk after a batch. `kind` None: the batch changed nothing."""

    generation: int
    rewind: int
    seq: int
    chain: bytes
    score: int
    score_plugin: str
    expires_us: int | None
    created: bool
    change: int
    kind: ChangeKind | None


class Refusal(Exception):
    """The batch does not follow what is there; nothing changed. `have` says what is."""

    def __init__(self, have: Have, why: str) -> None:
        super().__init__(why)
        self.have = have


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A session as it is listed; times in microseconds."""

    number: int
    key: Key
    nickname: str
    generation: int
    rewind: int
    seq: int
    chain: bytes
    size: int
    body: str
    header: bytes
    gone_us: int | None
    expires_us: int | None
    links: list[str]
    body_url: str
    score_plugin: str
    score: int
    uploaded_us: int
    received_us: int
    role: str
    parent: str
    title: str
    description: str
    provider: str
    model: str
    tags: list[str]
    repository: str
    git_remote: str
    git_branch: str
    git_commit: str
    directory: str
    created_us: int
    updated_us: int
    messages: int
    user_messages: int
    tool_calls: int
    tasks: int
    input_tokens: int
    output_tokens: int
    has_errors: bool


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be listed. `after` goes on behind a page (`Found.next`); else `offset` counts."""

    search: str = ""
    tool: str = ""
    model: str = ""
    repository: str = ""
    since_us: int | None = None
    before_us: int | None = None
    sort: Sort = "recent"
    offset: int = 0
    limit: int = 20
    after: str = ""


class Found(NamedTuple):
    """A page, how many there are in all, and where the next begins (empty: nowhere)."""

    rows: list[Row]
    total: int
    next: str


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a session; `number` only ever grows."""

    number: int
    key: Key
    kind: ChangeKind
    generation: int
    seq: int


class Place(NamedTuple):
    """Where an event lies: its seq, its time, and its bytes in the body."""

    seq: int
    time_us: int
    start: int
    end: int


class Body(Protocol):
    """A session's lines as they were when it was opened, whatever happens to it meanwhile."""

    @property
    def header(self) -> bytes:
        """The header's line, without its line feed."""
        ...

    @property
    def size(self) -> int:
        """Bytes of the events' lines, line feeds included."""
        ...

    def places(self) -> list[Place]:
        """Of every event, in the order of seq. Blocks."""
        ...

    def read(self, start: int, end: int) -> bytes:
        """Some of its bytes. Blocks."""
        ...

    def close(self) -> None:
        """Lets go of it."""
        ...


class Storage(Protocol):
    """All that the routes know of sessions."""

    async def take(self, batch: Batch) -> Stored:
        """Stores a batch; it is on the disk when this returns. Raises Refusal."""
        ...

    async def have(self, key: Key) -> Have:
        """What there is of a session, or of its tombstone."""
        ...

    async def resolve(self, id: str, who: Visible, agent: str = "", device: str = "") -> Row | None:
        """The session that an id means: of those visible the caller's own first, then the newest.
        Tombstones only of `who.owner`, and only where nothing else is meant.
        """
        ...

    async def find(self, ask: Ask, who: Visible) -> Found:
        """A page of what is visible. Raises ValueError for an `after` that is none."""
        ...

    async def related(self, row: Row, who: Visible) -> list[tuple[Row, str]]:
        """Visible sessions that one is linked with, and how: `handoff`, `parent`, `child`."""
        ...

    async def open(self, row: Row) -> Body | None:
        """The body of a session; None if it is gone."""
        ...

    async def remove(self, row: Row, why: Why) -> bool:
        """Deletes the body and all that tells of it; a tombstone stays. False: it was gone."""
        ...

    async def repositories(self, who: Visible) -> list[str]:
        """The names of repositories that visible sessions are of."""
        ...

    async def last_change(self) -> int:
        """The number of the last change."""
        ...

    def changes(self, after: int, who: Visible) -> AsyncGenerator[Event, None]:
        """Visible sessions that changed after a number, then every change as it is made. A
        session that changed several times meanwhile comes once, as it is now.
        """
        ...
