"""Changes to a settings file that keep its comments, its order and what it holds besides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
import tomlkit.exceptions
from tomlkit.items import Table

from opensession.core.config import table, values
from opensession.core.config.settings import agent_name
from opensession.core.errors import UsageError
from opensession.core.paths import make_private, write_private

_MODES = "privacy.modes"
"""A table of which one entry can be set: `privacy.modes.keys`."""


def set_values(path: Path, changes: Mapping[str, Any], *, home: str = "") -> list[str]:
    """Set dotted keys in a file, all or none; None removes a key. Returns the keys that changed.

    Text is taken as a person types it (`true`, `30s`, `a,b`). The file is made 0600 if it is not
    there. Raises UsageError for a key that is not known, a value it cannot have, or a file that is
    not TOML.
    """
    checked = {dotted: _checked(dotted, value, home) for dotted, value in changes.items()}
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: {error}", f"mv {path} {path}.old") from error
    try:
        document = tomlkit.parse(text)
    except tomlkit.exceptions.TOMLKitError as error:
        raise UsageError(f"{path}: {error}", f"$EDITOR {path}") from error
    changed = [dotted for dotted, value in checked.items() if _apply(path, document, dotted, value)]
    if changed:
        make_private(path.parent)
        write_private(path, tomlkit.dumps(document).encode())
    return changed


def _checked(dotted: str, value: Any, home: str) -> Any:
    if dotted.startswith(f"{_MODES}."):
        name = dotted.removeprefix(f"{_MODES}.")
        mode = None if value is None else str(value).lower()
        _checked(_MODES, {name: mode or "off"}, home)
        return mode
    key = table.find(table.ALIASES.get(dotted, dotted))
    section, _, name = dotted.partition(".")
    if key is None and not (section == "watchers" and name):
        raise UsageError(f"{dotted} is not a setting", "opensession config")
    if value is None:
        return None
    try:
        if key is None:
            return values.boolean(value)
        if isinstance(value, str):
            value = values.plain(key, value)
        values.convert(key, value, home)
    except ValueError as error:
        shown = "" if key is not None and key.kind == "secret" else f", not {values.shown(value)}"
        raise UsageError(f"{dotted} must be {error}{shown}", "opensession config path") from None
    return value


def _apply(path: Path, document: tomlkit.TOMLDocument, dotted: str, value: Any) -> bool:
    section, _, name = table.ALIASES.get(dotted, dotted).partition(".")
    entries: Any = document.get(section)
    if entries is None:
        if value is None:
            return False
        entries = tomlkit.table()
        if document.body and not tomlkit.dumps(document).endswith("\n\n"):
            document.add(tomlkit.nl())
        document[section] = entries
        entries = document[section]
    elif not isinstance(entries, (Table, dict)):
        raise UsageError(f"{path}: {section} must be a section: [{section}]", f"$EDITOR {path}")
    whole, _, inner = name.partition(".")
    if section == "privacy" and inner:
        if whole not in entries:
            if value is None:
                return False
            entries[whole] = tomlkit.inline_table()
        if not isinstance(entries[whole], (Table, dict)):
            raise UsageError(f"{path}: {section}.{whole} must be a table", f"$EDITOR {path}")
        name, entries = inner, entries[whole]
    written = _written_name(section, name, entries)
    if value is None:
        if written not in entries:
            return False
        del entries[written]
        return True
    if written in entries and _same(entries[written], value):
        return False
    entries[written] = value
    return True


def _written_name(section: str, name: str, entries: Mapping[str, Any]) -> str:
    """The name as the file spells it: agents may be written with `_` or `-`."""
    if section == "watchers" and table.find(f"{section}.{name}") is None:
        for existing in entries:
            if agent_name(existing) == agent_name(name):
                return existing
        return agent_name(name).replace("-", "_")
    return name


def _same(present: Any, value: Any) -> bool:
    plain = present.unwrap() if hasattr(present, "unwrap") else present
    return type(plain) is type(value) and bool(plain == value)
