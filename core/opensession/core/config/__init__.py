"""Settings: typed, layered default < file < environment < flag, with the origin of every value.

`daemon.toml` holds every setting, `config.toml` (0600) server, key and team as commands write
them; a key in both is taken from `daemon.toml`. An environment variable is named
`OPENSESSION_<SECTION>_<KEY>`, such as `OPENSESSION_DAEMON_DEBOUNCE_SECS`.

    settings   the typed values          values   from TOML and text to typed values
    table      what each key means       layers   the layers, with origins and what is wrong
    edit       changes that keep comments, and the example file
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opensession.core.config.layers import Loaded, load
from opensession.core.config.settings import (
    Settings,
    agent_name,
    changed_keys,
    masked,
    restart_due,
)

__all__ = [
    "Loaded",
    "Settings",
    "agent_name",
    "changed_keys",
    "example_text",
    "load",
    "masked",
    "restart_due",
    "set_values",
]


def set_values(path: Path, values: Mapping[str, Any], *, home: str = "") -> list[str]:
    """Change dotted keys of a file, comments kept; see `edit.set_values`."""
    from opensession.core.config import edit  # brings tomlkit, which only edits need

    return edit.set_values(path, values, home=home)


def example_text() -> str:
    """A `daemon.toml` with every key, its default and what it means; all commented out."""
    from opensession.core.config import example

    return example.example_text()
