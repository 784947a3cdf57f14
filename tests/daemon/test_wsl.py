from __future__ import annotations

from pathlib import Path

from opensession.daemon import wsl
from opensession.parsers.registry import AGENTS, agent


def test_windows_homes_are_looked_in_from_wsl(tmp_path: Path) -> None:
    """DECISIONS §1: Windows homes are read from WSL as extra roots."""
    for name in ("Jane", "Public", "John"):
        (tmp_path / name).mkdir()
    (tmp_path / "Jane" / ".codex" / "sessions").mkdir(parents=True)
    (tmp_path / "Public" / ".codex" / "sessions").mkdir(parents=True)
    found = wsl.roots(agent("codex"), tmp_path, inside=True)
    assert str(tmp_path / "Jane" / ".codex" / "sessions") in [root.path for root in found]
    assert all(root.path.startswith(str(tmp_path / "Jane")) for root in found)


def test_elsewhere_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "Jane" / ".codex" / "sessions").mkdir(parents=True)
    assert wsl.roots(agent("codex"), tmp_path, inside=False) == []
    assert all(wsl.roots(each, tmp_path / "missing", inside=True) == [] for each in AGENTS)
