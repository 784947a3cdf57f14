"""The key of the privacy tags: equal values get equal tags on this machine, and on no other."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from opensession.core.errors import Refused
from opensession.core.paths import make_private

KEY_BYTES = 32


def load_key(path: Path) -> bytes:
    """The key in a file; one is made (0600) if there is none, also by several processes at once.

    Raises Refused for a file that does not hold a key: another key would give every value another
    tag, so that is for a person to decide.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    make_private(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was faster; its key counts
            os.link(temporary, path)
    finally:
        temporary.unlink()
    return _read(path)


def _read(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise Refused(
            f"{path} holds {len(key)} bytes and not a key of {KEY_BYTES}",
            f"restore {path} from a backup, or move it away for a new key",
        )
    return key
