"""Codex's `notify`: one program for all, told after every turn with JSON as its last argument.

The line goes to the top of `config.toml`, since what follows a `[table]` belongs to that table.
"""

from __future__ import annotations

import json
import tomllib
from typing import Any

import msgspec

from opensession.client.hooks import command
from opensession.client.hooks.problems import Clash, NotReadable


class Notify(msgspec.Struct, frozen=True, kw_only=True):
    """Our `notify`; `key` is where the agent's JSON has the session's id."""

    agent: str
    key: str

    def add(self, text: str, hints_dir: str) -> str:
        """As `agents.Edit.add`."""
        present = _read(text).get("notify")
        if _is_ours(present, hints_dir):
            return text
        if present is not None:
            raise Clash("notify runs another program already, and there is room for one only")
        mark = "\ufeff" if text.startswith("\ufeff") else ""
        edited = f"{mark}{self._line(hints_dir)}{_newline(text)}{text[len(mark) :]}"
        if "notify" not in _read(edited):
            raise Clash("notify cannot be added to this file")
        return edited

    def remove(self, text: str, hints_dir: str, before: str | None) -> str:
        """As `agents.Edit.remove`."""
        if not _is_ours(_read(text).get("notify"), hints_dir):
            return text
        lines = text.split("\n")
        kept = [line for line in lines if line.strip("\ufeff\r") != self._line(hints_dir)]
        edited = "\n".join(kept)
        if text.startswith("\ufeff") and not edited.startswith("\ufeff"):
            edited = "\ufeff" + edited
        if _is_ours(_read(edited).get("notify"), hints_dir):
            raise Clash("notify was written anew by somebody else")
        return edited

    def _line(self, hints_dir: str) -> str:
        script = command.on_argument("turn", self.agent, hints_dir, self.key)
        words = ["sh", "-c", script, "opensession-hook"]
        return f"notify = [{', '.join(json.dumps(word, ensure_ascii=False) for word in words)}]"


def _is_ours(present: Any, hints_dir: str) -> bool:
    return isinstance(present, list) and any(command.is_ours(word, hints_dir) for word in present)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _read(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise NotReadable(f"it is not TOML: {error}") from None
