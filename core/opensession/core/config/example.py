"""The example file: every key with its default and its meaning, made from the table."""

from __future__ import annotations

import json
import textwrap

from opensession.core.config import table
from opensession.core.config.settings import Settings, value_of

_HEAD = """\
# Settings of OpenSession. Every line is the default, commented out.
# Each key can also be set by the environment: OPENSESSION_<SECTION>_<KEY>.
# Durations may be written as "30s", "5m", "1h", sizes as "50MB".
"""

_COMMAND_EXAMPLE = (
    "# [[watchers.commands]]",
    '#   name = "acme"',
    '#   files = "~/.acme/sessions/*.json"',
    '#   command = ["acme-to-hail"]',
)


_PATTERN_EXAMPLE = (
    "# [[privacy.patterns]]",
    '#   name = "acme-badge"',
    "#   pattern = 'ACME-[0-9]{6}'",
    '#   test = "badge ACME-123456"',
    '#   mode = "redact"',
)


_RULE_EXAMPLE = (
    "# [[publish.rules]]",
    '#   action = "ask"',
    '#   path = "~/clients"',
    '#   branch = "release/*"',
)


def example_text() -> str:
    """A `daemon.toml` with every key; it changes nothing as it is."""
    parts = [_HEAD]
    for section, doc in table.SECTIONS.items():
        parts.append(f"\n# {doc}\n[{section}]\n")
        parts += [_entry(key) for key in table.KEYS if key.section == section]
    return "".join(parts)


def toml_value(value: object) -> str:
    """A value of a setting as TOML: booleans, numbers, text, lists of text."""
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        entries = ", ".join(f"{name} = {toml_value(item)}" for name, item in value.items())
        return f"{{ {entries} }}" if entries else "{}"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # JSON's forms of these types are TOML's as well.
    return json.dumps(value, ensure_ascii=False)


def _entry(key: table.Key) -> str:
    doc = key.doc
    if key.choices:
        doc += f" One of: {', '.join(key.choices)}."
    if key.restart:
        doc += " Taken up at the daemon's next start."
    if key.later:
        doc += " No effect in this version yet."
    lines = textwrap.wrap(doc, width=94, initial_indent="# ", subsequent_indent="# ")
    if key.kind == "commands":
        return "\n".join([*lines, *_COMMAND_EXAMPLE]) + "\n"
    if key.kind == "patterns":
        return "\n".join([*lines, *_PATTERN_EXAMPLE]) + "\n"
    if key.kind == "rules":
        return "\n".join([*lines, *_RULE_EXAMPLE]) + "\n"
    default = toml_value(value_of(Settings(), key))
    return "\n".join([*lines, f"# {key.name} = {default}"]) + "\n"
