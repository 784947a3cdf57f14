"""The key for a hub in the system's keyring, asked in a child process that gets two seconds.

A keyring may hang (a locked one waits for a person, a bus may not answer) and brings modules that
nobody else needs, so it is never loaded here. Keys go through pipes, never as an argument.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

SECONDS = 2.0

SERVICE = "opensession"
"""What our entries are called; the hub's address is the user name."""

_ENDED = 1


def get(url: str, environ: Mapping[str, str], seconds: float | None = None) -> str:
    """The key for a hub; empty where there is none, or no keyring that answers in time: two
    seconds, or as many as one who has nobody waiting gives it.
    """
    return _ask({"do": "get", "url": url}, environ, seconds) or ""


def put(url: str, key: str, environ: Mapping[str, str]) -> bool:
    """Keep a key; False where no keyring kept it in time."""
    return _ask({"do": "put", "url": url, "key": key}, environ) == key


def forget(url: str, environ: Mapping[str, str]) -> bool:
    """Take a key out; False where there was none, or no keyring that answers in time."""
    return _ask({"do": "forget", "url": url}, environ) is not None


def _ask(
    request: dict[str, str], environ: Mapping[str, str], seconds: float | None = None
) -> str | None:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "opensession.core.keyring"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            env=dict(environ),
            cwd="/",
            timeout=seconds or SECONDS,
            check=False,
            start_new_session=True,
        )
    except (subprocess.TimeoutExpired, OSError, UnicodeDecodeError):
        return None
    return done.stdout if done.returncode == 0 else None


def _child() -> int:
    """What the child does: one request from stdin, its answer to stdout, no word about it."""
    request = json.loads(sys.stdin.read())
    try:
        import keyring

        url = request["url"]
        if request["do"] == "put":
            keyring.set_password(SERVICE, url, request["key"])
        found = keyring.get_password(SERVICE, url)
        if request["do"] == "forget" and found is not None:
            keyring.delete_password(SERVICE, url)
    except Exception:  # whatever a backend raises: there is no keyring then
        return _ENDED
    if found is None:
        return _ENDED
    sys.stdout.write(found)
    return 0


if __name__ == "__main__":
    sys.exit(_child())
