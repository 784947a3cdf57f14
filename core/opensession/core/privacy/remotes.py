"""Addresses of git remotes, which may carry a login."""

from __future__ import annotations

import re

_LOGIN = re.compile(r"(?i)\b(https?|ftp|git)://[^/\s]*@")


def without_login(address: str) -> str:
    """The address without user and password; `ssh` and `git@host:` forms keep their user."""
    return _LOGIN.sub(r"\1://", address)
