"""A whole session in one body: HAIL lines, or one JSON object with more beside it.

Of lines the header and the events count, as they are: stats are computed here, and empty lines and
further headers are left out. Of an object the lines are written anew.
"""

from __future__ import annotations

import msgspec

from opensession.core import hail_read
from opensession.core.errors import OpenSessionError
from opensession.core.hail_lines import event_line, header_line
from opensession.server.receiving.about import header_of
from opensession.server.receiving.lines import BadLine, first_line, split
from opensession.server.receiving.spool import Spool

MAX_OBJECT_BYTES = 64 << 20
"""An object is decoded whole, so it has a limit of its own; lines have none."""

_BOM = b"\xef\xbb\xbf"


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What an uploader may say beside a session."""

    session: msgspec.Raw = msgspec.Raw()
    body_url: str | None = None
    linked_session_ids: list[str] = []
    git_remote: str | None = None
    git_branch: str | None = None
    git_commit: str | None = None
    git_repo_name: str | None = None
    pr_number: int | None = None
    pr_url: str | None = None
    score_plugin: str | None = None
    team_id: str | None = None


class _Typed(msgspec.Struct, frozen=True):
    type: str = ""


_typed = msgspec.json.Decoder(_Typed)


def read_whole(body: Spool, lines: Spool) -> tuple[bytes, Beside]:
    """The header and what stands beside it; the events go into `lines`.

    Raises BadLine, or ValueError with a reason that holds nothing of the body. Blocks.
    """
    if body.size() == 0:
        raise ValueError("the body is empty")
    line = _first(body)
    if line is None:
        return _of_object(body, lines)
    header_of(line)
    start = len(body.read(0, 3)) - len(body.read(0, 3).removeprefix(_BOM)) + len(line) + 1
    for number, event in enumerate(split(body, start), 2):
        if not event.strip():
            continue
        try:
            kind = _typed.decode(event).type
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BadLine(number, "not a JSON object") from None
        if kind not in ("stats", "header"):
            lines.add(event + b"\n")
    return line, Beside()


def _first(body: Spool) -> bytes | None:
    """The first line if it is a header."""
    try:
        line = first_line(body).removeprefix(_BOM)
        return line if _typed.decode(line).type == "header" else None
    except (BadLine, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _of_object(body: Spool, lines: Spool) -> tuple[bytes, Beside]:
    if body.size() > MAX_OBJECT_BYTES:
        raise ValueError(f"an object of more than {MAX_OBJECT_BYTES} bytes: send it as lines")
    data = b"".join(body.pieces())
    beside = Beside()
    try:
        outer = msgspec.json.decode(data, type=Beside)
        if given := bytes(outer.session):
            beside, data = outer, given
    except msgspec.ValidationError as error:
        raise ValueError(f"the object: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # lines of another generation, perhaps
    try:
        document = hail_read.read(data)
    except OpenSessionError as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("the session is nested too deeply") from None
    if document.problems:
        problem = document.problems[0]
        raise BadLine(problem.line, problem.reason)
    for event in document.events:
        lines.add(event_line(event) + b"\n")
    return header_line(document.header), beside
