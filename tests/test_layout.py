"""The shape of the tree: one namespace over five roots, and who may import whom."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["core", "parsers", "daemon", "client", "server"]


@pytest.mark.parametrize("name", PACKAGES)
def test_namespace_folder_holds_only_its_package(name: str) -> None:
    """One opensession/__init__.py would hide the four other roots."""
    inside = {p.name for p in (ROOT / name / "opensession").iterdir()} - {"__pycache__"}

    assert inside == {name}


@pytest.mark.parametrize("name", PACKAGES)
def test_every_package_is_typed(name: str) -> None:
    """A namespace has no py.typed of its own: each of the five needs one."""
    assert (ROOT / name / "opensession" / name / "py.typed").exists()


def test_imports_follow_the_layers() -> None:
    """Client, daemon and server never import one another; core imports none of them."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "heavy",
    ["apsw", "watchdog", "aiohttp", "opensession.parsers", "opensession.daemon", "tomlkit", "rich"],
)
def test_client_start_imports_nothing_heavy(heavy: str) -> None:
    """The client must start fast: what only some commands need is imported by them."""
    code = f"import sys, opensession.client.cli; sys.exit({heavy!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_module_grows_past_500_lines() -> None:
    """Above 500 lines a module has more than one reason to exist."""
    modules = [p for name in PACKAGES for p in (ROOT / name).rglob("*.py")]
    large = {str(p.relative_to(ROOT)): n for p in modules if (n := len(_lines(p))) > 500}

    assert large == {}


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
