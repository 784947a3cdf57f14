"""Facts that `status` shows, where they can be told apart from the whole daemon."""

from __future__ import annotations

import subprocess
import sys

import pytest

from opensession.core import __version__
from opensession.daemon import facts
from tests.helpers.daemon import Home


def test_an_update_under_a_running_daemon_is_seen(home: Home) -> None:
    """D30: what is installed is compared with what runs."""
    package = home.write("core.py", '"""Doc."""\n\n__version__ = "9.9.9"\n')

    assert facts.installed_version() == __version__
    assert facts.installed_version(package) == "9.9.9"
    assert facts.installed_version(home.path / "gone") == ""


def test_a_database_counts_with_its_journal(home: Home) -> None:
    """What stands in the journal takes room as well."""
    path = home.write("index.db", b"x" * 10)
    home.write("index.db-wal", b"x" * 5)

    assert facts.database_bytes(path) == 15
    assert facts.database_bytes(home.path / "none") == 0


@pytest.mark.parametrize(
    "module", ["aiohttp", "typer", "rich", "genai_prices", "opensession.client"]
)
def test_an_idle_daemon_carries_nothing_it_does_not_use(module: str) -> None:
    """DESIGN §7: under 60 MB idle."""
    code = f"import sys, opensession.daemon.app; sys.exit({module!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
