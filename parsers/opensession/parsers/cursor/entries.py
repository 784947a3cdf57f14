"""The log that is made of Cursor's databases: one line a conversation's head, bubble or message.

    {"kind":"conversation","id":"…","start":0,"settled":3,"row":{…}}
    {"kind":"bubble","id":"…","n":0,"row":{…}}        one for each from `start` on
    {"kind":"end","id":"…"}

A conversation that changed is told again from where it is settled: `start` is how many of its
bubbles stay as they were told before, `settled` where to begin the next time.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

KEPT_CONVERSATIONS = 64
"""Of how many conversations it is remembered where they are settled."""

PULLED_CONVERSATIONS = 56
"""As many of them as a pull counts on; fewer, as it can leave a conversation half told."""

APPEND = -1
"""As `start`: after all that was told of the conversation before."""

NEVER = -1
"""As `settled`: the conversation is always told whole."""


NOTHING = msgspec.Raw(b"")


class Entry(msgspec.Struct, omit_defaults=True):
    """A line. `n` is a bubble's place in the conversation; `bytes` the size of one left out.

    `folder` is a path or URI that the conversation's row does not name itself; `listed` its head
    in the list of heads; `tool` and `rows` what belongs to a bubble and is kept elsewhere.
    """

    kind: Literal["conversation", "bubble", "message", "end"]
    id: str
    start: int = 0
    settled: int = NEVER
    n: int = 0
    blob: str = ""
    folder: str = ""
    parent: str = ""
    bytes: int = 0
    row: msgspec.Raw = NOTHING
    listed: msgspec.Raw = NOTHING
    tool: msgspec.Raw = NOTHING
    rows: dict[str, Any] | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


def line_of(entry: Entry) -> bytes:
    """An entry as a line of the log, without line breaks."""
    return _encoder.encode(entry).replace(b"\n", b" ").replace(b"\r", b" ")


def entry_of(line: bytes) -> Entry:
    """A line of the log; raises ValueError for what is none."""
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError("no entry") from error
