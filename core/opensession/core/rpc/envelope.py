"""Requests, answers, notifications, and what a method is."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

import msgspec

PROTOCOL = 1
"""Raised when an old client could misunderstand a new daemon."""

REQUEST_LIMIT = 4 << 20
"""Bytes of one request line; larger input goes by path."""

Effect = Literal["read", "change", "exit", "destroy"]

P = TypeVar("P")
R = TypeVar("R")


class Params(
    msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True
):
    """Base of all parameters: an object; an unknown name is an error."""


class Nothing(Params, frozen=True):
    """No parameters."""


class Method(msgspec.Struct, Generic[P, R], frozen=True):
    """One method: its name, the types of its parameters and result, what it does to the world.

    `effect`: read, change (something of ours), exit (something leaves the machine), destroy.
    """

    name: str
    params: type[P]
    result: type[R]
    effect: Effect
    summary: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A call; without `id` a notification, which gets no answer."""

    method: str
    jsonrpc: str = "2.0"
    id: int | str | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")


class ErrorData(msgspec.Struct, frozen=True, omit_defaults=True):
    """What helps: the next command, and the candidates of an ambiguous reference."""

    hint: str = ""
    candidates: list[str] = []


class Error(msgspec.Struct, frozen=True):
    """Codes: -32700..-32600 as JSON-RPC has them; ours are in `core.errors`."""

    code: int
    message: str
    data: ErrorData = ErrorData()


class Response(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An answer, or (with `method`) a notification such as `jobs.progress`."""

    jsonrpc: str = "2.0"
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: Error | None = None
    method: str = ""
    params: msgspec.Raw = msgspec.Raw(b"")


def encode_line(message: Any) -> bytes:
    """A message as one line."""
    return msgspec.json.encode(message) + b"\n"


def result_line(call: int | str | None, result: Any) -> bytes:
    """The answer to a call, as one line."""
    return encode_line({"jsonrpc": "2.0", "id": call, "result": result})


def error_line(call: int | str | None, error: Error) -> bytes:
    """The error of a call, as one line; `call` is None if the request could not be read."""
    return encode_line({"jsonrpc": "2.0", "id": call, "error": error})


def notification_line(method: str, params: Any) -> bytes:
    """A notification, as one line."""
    return encode_line({"jsonrpc": "2.0", "method": method, "params": params})
