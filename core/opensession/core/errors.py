"""Errors that reach a person: one base, few classes, each with the command to try next.

OpenSessionError            exit 1
├── UsageError              exit 2   wrong words on the command line, invalid configuration
├── Unreachable             exit 3   no daemon answers, it is starting, or speaks another protocol
├── NotFound                exit 4   a REF that names nothing, or several things
└── Refused                 exit 5   understood, and not done
"""

from __future__ import annotations


class OpenSessionError(Exception):
    """Something a person can act on: `str(error)` is one line, `hint` names the next command.

    `code` is the JSON-RPC error code and `exit_code` the process's (DECISIONS §7).
    """

    code = -32000
    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(OpenSessionError):
    """The words or the configuration are wrong: repeating the call will not help."""

    code = -32003
    exit_code = 2


class Unreachable(OpenSessionError):
    """No daemon answers in time, it is still starting, or its protocol differs."""

    code = -32004
    exit_code = 3


class ProtocolMismatch(Unreachable):
    """Client and daemon speak different protocol versions: one of them wants an update."""

    code = -32005


class NotFound(OpenSessionError):
    """A reference that names nothing, or more than one thing: then `candidates` says which."""

    code = -32001
    exit_code = 4

    def __init__(self, message: str, hint: str = "", candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.candidates = candidates


class Refused(OpenSessionError):
    """Understood, and not done: a rule or a missing confirmation stands against it."""

    code = -32002
    exit_code = 5


BY_CODE: dict[int, type[OpenSessionError]] = {
    cls.code: cls
    for cls in (OpenSessionError, UsageError, Unreachable, ProtocolMismatch, NotFound, Refused)
}
