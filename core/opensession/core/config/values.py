"""From what TOML, JSON or a variable's text hold to the value of a key."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from opensession.core.config.sets import MODES, SETS, OwnPattern, problem_of
from opensession.core.config.settings import CommandAgent, PublishRule, agent_name
from opensession.core.config.table import TABLES, Key

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {
    "": 1, "b": 1,
    "k": 1000, "kb": 1000, "m": 1000**2, "mb": 1000**2, "g": 1000**3, "gb": 1000**3,
    "t": 1000**4, "tb": 1000**4,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}  # fmt: skip
_NUMBER_UNIT = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-z]*)\Z")
_PATTERN_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]\Z")
_COMMAND_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


def convert(key: Key, value: Any, home: str = "") -> Any:
    """The typed value of a key; `home` replaces a leading `~` of paths.

    Raises ValueError whose text completes "… must be".
    """
    if key.kind == "bool":
        return boolean(value)
    if key.kind == "seconds":
        return _bounded(key, duration(value, 1), "s")
    if key.kind == "millis":
        return _bounded(key, duration(value, 0.001) * 1000, "ms")
    if key.kind == "days":
        return _bounded(key, duration(value, 86400) / 86400, " days")
    if key.kind == "size":
        return size(value)
    if key.kind == "count":
        return _count(key, value)
    if key.kind == "list":
        return _texts(value)
    if key.kind == "commands":
        return _commands(value, home)
    if key.kind == "modes":
        return _modes(value)
    if key.kind == "patterns":
        return _patterns(value)
    if key.kind == "rules":
        return _rules(value, home)
    if key.kind == "paths":
        return tuple(_absolute(path, home) for path in _texts(value))
    if not isinstance(value, str):
        raise ValueError("text")
    text = value.strip()
    if "\n" in text or "\0" in text:
        raise ValueError("one line of text")
    if key.kind == "choice":
        return _choice(key, text)
    if key.dotted == "server.url" and text and not text.startswith(("https://", "http://")):
        raise ValueError("an address that begins with https://")
    return text


def boolean(value: Any) -> bool:
    """True or false, also as the words that people use for them."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE + _FALSE:
        return value.strip().lower() in _TRUE
    raise ValueError("true or false")


def duration(value: Any, unit: float) -> float:
    """Seconds of a number (counted in `unit` seconds) or of text such as `30s`, `1.5h`."""
    number, suffix = _number_and_unit(value, "a number or a duration such as 30s, 5m, 1h")
    if suffix and suffix not in _SECONDS:
        raise ValueError("a number or a duration such as 30s, 5m, 1h")
    return number * (_SECONDS[suffix] if suffix else unit)


def size(value: Any) -> int:
    """Bytes of a number or of text such as `50MB` (thousands) or `50MiB` (1024s)."""
    number, suffix = _number_and_unit(value, "a number of bytes or a size such as 50MB")
    if suffix not in _BYTES:
        raise ValueError("a number of bytes or a size such as 50MB")
    return int(number * _BYTES[suffix])


def plain(key: Key, text: str) -> Any:
    """What to write into a file for the text a person typed: numbers and booleans as such, lists
    from words between commas, durations and sizes as typed.
    """
    if key.kind == "bool":
        return boolean(text)
    if key.kind in ("list", "paths"):
        return list(_texts(text))
    if key.kind in TABLES:
        raise ValueError(f"written into the file: [[{key.dotted}]]")
    if key.kind == "modes":
        return _modes(text)
    if key.kind in ("count", "seconds", "millis", "days", "size"):
        number = text.strip()
        if re.fullmatch(r"[0-9]+", number):
            return int(number)
        if re.fullmatch(r"[0-9]*\.[0-9]+", number):
            return float(number)
        return number
    return text.strip()


def shown(value: Any) -> str:
    """A bad value for an error text, short and on one line."""
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"


def place(path: Path, section: str, name: str) -> str:
    """`file:line` of a key, or the file alone where the line cannot be told."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return str(path)
    inside = False
    for number, line in enumerate(lines, 1):
        header = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line)
        if header:
            inside = header[1].strip("\"'") == section
        elif (key := re.match(r"""\s*["']?([A-Za-z0-9_.-]+)["']?\s*[=.]""", line)) and (
            (inside and key[1].split(".")[0] == name) or key[1] == f"{section}.{name}"
        ):
            return f"{path}:{number}"
    return str(path)


def syntax_error(path: Path, message: str) -> str:
    """The text of a TOML error as `file:line: what`."""
    found = re.search(r"\s*\(at line (\d+), column \d+\)\Z", message)
    if found is None:
        return f"{path}: {message}"
    return f"{path}:{found[1]}: {message[: found.start()]}"


def _number_and_unit(value: Any, expected: str) -> tuple[float, str]:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(expected)
    if not isinstance(value, str):
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"{expected}, not below 0")
        return float(value), ""
    match = _NUMBER_UNIT.match(value.strip().lower())
    if match is None:
        raise ValueError(expected)
    return float(match[1]), match[2]


def _bounded(key: Key, number: float, unit: str) -> float:
    if not key.low <= number <= key.high:
        top = "" if math.isinf(key.high) else f" and at most {key.high:g}{unit}"
        raise ValueError(f"at least {key.low:g}{unit}{top}")
    return number


def _count(key: Key, value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a whole number")
    _bounded(key, value, "")
    return value


def _choice(key: Key, text: str) -> str:
    word = text.lower()
    if word in key.refused:
        raise ValueError(key.refused[word])
    if word not in key.choices:
        raise ValueError(f"one of {', '.join(key.choices)}")
    return word


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ValueError("a list of texts")
    found = [item.strip() for item in value]
    return tuple(dict.fromkeys(item for item in found if item))


def _absolute(text: str, home: str) -> str:
    if home and (text == "~" or text.startswith("~/")):
        text = home.rstrip("/") + text[1:]
    if not text.startswith(("/", "~")):
        raise ValueError("a list of absolute paths")
    return text.rstrip("/") or "/"


def _modes(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        pairs = [item.split("=") for item in value.split(",") if item.strip()]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError("sets and their modes, such as mail=redact,phone=warn")
        value = {name.strip(): mode.strip() for name, mode in pairs}
    if not isinstance(value, dict):
        raise ValueError('a table of sets and their modes, such as { mail = "redact" }')
    modes = {}
    for name, mode in value.items():
        if name not in SETS:
            raise ValueError(f"a table of sets: {', '.join(SETS)}")
        if not isinstance(mode, str) or mode.lower() not in MODES:
            raise ValueError(f"a table of modes: {', '.join(MODES)}")
        modes[name] = mode.lower()
    return modes


def _patterns(value: Any) -> tuple[OwnPattern, ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("tables with name, pattern, test and mode: [[privacy.patterns]]")
    found = tuple(_pattern(item) for item in value)
    if len({each.name for each in found}) < len(found):
        raise ValueError("tables with different names")
    return found


def _pattern(item: dict[str, Any]) -> OwnPattern:
    name = item.get("name")
    if not isinstance(name, str) or not _PATTERN_NAME.match(name):
        raise ValueError("tables with a name of at most 40 small letters, digits and hyphens")
    if item.keys() - {"name", "pattern", "test", "mode"}:
        raise ValueError("tables with name, pattern, test and mode only")
    texts = [item.get("pattern"), item.get("test"), item.get("mode", "redact")]
    if not all(isinstance(text, str) and text for text in texts):
        raise ValueError("tables with pattern and test, both text")
    pattern = OwnPattern(name, *texts)
    problem = problem_of(pattern)
    if problem:
        raise ValueError(f"patterns {problem}: {name}")
    return pattern


def _commands(value: Any, home: str) -> tuple[CommandAgent, ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("tables with name, files and command: [[watchers.commands]]")
    found = tuple(_command(item, home) for item in value)
    if len({each.name for each in found}) < len(found):
        raise ValueError("tables with different names")
    return found


def _command(item: dict[str, Any], home: str) -> CommandAgent:
    name, files, command = item.get("name"), item.get("files"), item.get("command")
    if not isinstance(name, str) or not _COMMAND_NAME.match(name):
        raise ValueError("tables with a name of small letters, digits and hyphens")
    if not isinstance(files, str) or "*" in files.rpartition("/")[0] or not files.strip("/"):
        raise ValueError("tables with files: one path, whose last part may hold *")
    path = _absolute(files, home)
    if isinstance(command, str):
        command = command.split()
    words = command if isinstance(command, list) else []
    if not words or not all(isinstance(word, str) and word for word in words):
        raise ValueError("tables with a command: a list of a program and its arguments")
    if item.keys() - {"name", "files", "command"}:
        raise ValueError("tables with name, files and command only")
    return CommandAgent(name, path, tuple(words))


ACTIONS = ("never", "ask", "auto")


def _rules(value: Any, home: str) -> tuple[PublishRule, ...]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError("tables with action, path, branch and agent: [[publish.rules]]")
    return tuple(publish_rule(item, home) for item in value)


def publish_rule(item: dict[str, Any], home: str) -> PublishRule:
    """One table of `publish.rules`. Raises ValueError whose text completes "… must be"."""
    action = item.get("action")
    if action not in ACTIONS:
        raise ValueError(f"tables with an action that is one of {', '.join(ACTIONS)}")
    if item.keys() - {"action", "path", "branch", "agent"}:
        raise ValueError("tables with action, path, branch and agent only")
    paths = tuple(_absolute(path, home) for path in _texts(item.get("path", [])))
    agents = tuple(agent_name(name) for name in _texts(item.get("agent", [])))
    return PublishRule(action, paths, _texts(item.get("branch", [])), agents)
