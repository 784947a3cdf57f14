"""Page marks: where the next page begins, as a short opaque string."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

from opensession.core.errors import UsageError

T = TypeVar("T")


def mark(place: msgspec.Struct) -> str:
    """The mark of a place."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).rstrip(b"=").decode()


def place(cursor: str, kind: type[T]) -> T | None:
    """The place that a mark stands for; None for no mark. Raises UsageError for another's mark."""
    if not cursor:
        return None
    try:
        data = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
        return msgspec.msgpack.decode(data, type=kind)
    except (ValueError, binascii.Error, UnicodeEncodeError, msgspec.MsgspecError) as error:
        raise UsageError("the cursor is not one of this list", "leave the cursor out") from error
