"""The client starts fast: a command brings what it needs and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from opensession.core.rpc.methods import METHODS

HEAVY = {
    "aiohttp", "apsw", "asyncio", "email", "genai_prices", "http", "importlib.metadata",
    "importlib.resources", "jq", "logging", "opensession.daemon", "opensession.parsers",
    "keyring", "opensession.core.config", "opensession.core.rpc.methods", "psutil", "pydantic",
    "re2", "rich", "tomlkit", "tomllib", "unicodedata", "watchdog", "zstandard",
}  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [
        "log", "show", "search", "stats", "daemon status", "stream enable", "stream status",
        "publish pending", "publish approve", "recall", "upload", "server status", "config",
    ],
)  # fmt: skip
def test_a_read_command_imports_nothing_heavy(command: str) -> None:
    code = (
        "import sys, json\n"
        "from opensession.client import cli\n"
        "from opensession.client.building import build\n"
        f"build({command!r})\n"
        "json.dump(sorted(sys.modules), sys.stdout)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )

    assert HEAVY & set(json.loads(done.stdout)) == set()


def test_what_the_client_asks_is_what_the_daemon_answers() -> None:
    """Every call in the client names a method with that method's own result type."""
    import re
    from pathlib import Path

    import opensession.client

    root = Path(opensession.client.__file__).parent
    results = {method.name: method.result.__name__ for method in METHODS}
    calls = re.compile(r'(?:call|ask)\(\s*"([a-z]+\.[a-z]+)",.*?,\s*([A-Z]\w+)\s*[,)]', re.S)
    found = [pair for path in root.rglob("*.py") for pair in calls.findall(path.read_text())]

    assert len(found) > 15
    assert [(name, kind) for name, kind in found if results.get(name) != kind] == []
