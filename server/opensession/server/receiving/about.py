"""What a header says of its session."""

from __future__ import annotations

import functools

from opensession.core.errors import OpenSessionError
from opensession.core.hail_lines import Header
from opensession.core.hail_read import read_header
from opensession.core.timeparse import parse_time
from opensession.server.storage.interface import About

_TITLE = 500
MAX_TEXT = 4000
_LIST = 100
_REMEMBERED_BYTES = 8 << 10


def header_of(line: bytes) -> Header:
    """The header of a line. Raises ValueError with a reason that holds nothing of the line."""
    try:
        header = read_header(line)
    except (OpenSessionError, RecursionError):
        raise ValueError("no header: an object with type header comes first") from None
    if not header.version.startswith("hail-"):
        raise ValueError("no header: the version is not one of hail-…")
    return header


def header_and_about(line: bytes) -> tuple[Header, About]:
    """`header_of` and `about` of a line. Most requests come with the line of the one before."""
    if len(line) > _REMEMBERED_BYTES:
        header = header_of(line)
        return header, about(header)
    return _remembered(line)


@functools.lru_cache(512)
def _remembered(line: bytes) -> tuple[Header, About]:
    header = header_of(line)
    return header, about(header)


def about(header: Header) -> About:
    """What is listed of it, cut where it is longer than a list should hold."""
    context = header.context
    attributes = context.attributes

    def said(*names: str) -> str:
        for name in names:
            value = attributes.get(name)
            if isinstance(value, str) and value.strip():
                return _cut(value.strip(), MAX_TEXT)
        return ""

    parent = said("parent_session_id")
    role = said("session_role").lower()
    if role not in ("primary", "auxiliary"):
        role = "auxiliary" if parent else "primary"
    return About(
        role=role,
        parent=parent,
        title=_cut(context.title or "", _TITLE),
        description=_cut(context.description or "", MAX_TEXT),
        provider=_cut(header.agent.provider, _TITLE),
        model=_cut(header.agent.model, _TITLE),
        tags=tuple(_cut(tag, _TITLE) for tag in context.tags[:_LIST]),
        repository=said("git_repo_name"),
        git_remote=said("git_remote"),
        git_branch=said("git_branch"),
        git_commit=said("git_commit"),
        directory=said("cwd", "working_directory"),
        related=tuple(_cut(one, _TITLE) for one in context.related_session_ids[:_LIST]),
        created_us=parse_time(context.created_at) or 0,
        updated_us=parse_time(context.updated_at) or 0,
    )


def _cut(text: str, size: int) -> str:
    """At most so many characters, as SQLite can hold them."""
    return text[:size].encode(errors="replace").decode().replace("\0", " ")
