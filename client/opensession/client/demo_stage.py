"""The demo's stage: a temporary home with sample sessions, as their agents would have left them."""

from __future__ import annotations

import datetime as dt
import os
import re
from importlib import resources
from pathlib import Path

SAMPLES_NOW = dt.datetime(2026, 11, 1, 12, 0, 0, tzinfo=dt.UTC)
"""The samples are written as if it were this moment; they are moved to the real one."""

SAMPLES_HOME = "/home/demo"

LIVE = "1ab5c3d7-2e4f-4a6b-9c8d-0e1f2a3b4c5d"
_CLAUDE = (
    ("limiter", "acme-api", "5e1f0c9a-7b1d-4c53-9f0e-3a6f2d8b7c41"),
    ("polars", "etl", "c0ffee12-90ab-4cde-8f01-23456789abcd"),
)
_CODEX = ("auth", "019a4f2e-7c1d-7a30-b16f-c8e48bf2592c")
_TIME = re.compile(r'"(2026-1[01]-[0-3]\dT\d\d:\d\d:\d\d\.\d{3})Z"')
_BRANCHES = {"acme-api": "main", "etl": "polars"}


class Stage:
    """A home below `base`, and a clock: sample times are moved so that they end before `now`."""

    def __init__(self, base: Path, now: dt.datetime) -> None:
        self.home = base / "home"
        self.own = base / "opensession"
        self._shift = now - SAMPLES_NOW
        self._now = now

    def environ(self) -> dict[str, str]:
        """The environment of everything in the demo: nothing of the user's own is seen."""
        kept = ("PATH", "LANG", "LC_ALL", "TZ", "TERM", "COLUMNS", "NO_COLOR", "CLICOLOR_FORCE")
        environ = {name: os.environ[name] for name in kept if name in os.environ}
        if "PYTHONPATH" in os.environ:
            environ["PYTHONPATH"] = os.environ["PYTHONPATH"]
        return {**environ, "HOME": str(self.home), "OPENSESSION_HOME": str(self.own)}

    def set_up(self) -> None:
        """Lay out two repositories and the sample sessions of two agents."""
        for repository, branch in _BRANCHES.items():
            self._repository(self.home / repository, branch)
        for sample, repository, native_id in _CLAUDE:
            path = self._claude_file(repository, native_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(self.lines(f"claude/{sample}.jsonl")), encoding="utf-8")
        sample, native_id = _CODEX
        day = self._now - dt.timedelta(hours=2)
        folder = self.home / ".codex" / "sessions" / day.strftime("%Y/%m/%d")
        folder.mkdir(parents=True)
        name = f"rollout-{day.strftime('%Y-%m-%dT%H-%M-%S')}-{native_id}.jsonl"
        text = "".join(self.lines(f"codex/{sample}.jsonl"))
        (folder / name).write_text(text, encoding="utf-8")

    @property
    def live_file(self) -> Path:
        """Where the live session grows."""
        return self._claude_file("acme-api", LIVE)

    def live_lines(self) -> list[str]:
        """The lines of the live session."""
        return self.lines("claude/live.jsonl")

    def lines(self, sample: str) -> list[str]:
        """A sample's lines, in this home and at this time."""
        text = (
            resources.files("opensession.client").joinpath("demo_data", sample).read_text("utf-8")
        )
        text = text.replace(SAMPLES_HOME, str(self.home))
        return _TIME.sub(self._moved, text).splitlines(keepends=True)

    def _moved(self, match: re.Match[str]) -> str:
        moment = dt.datetime.fromisoformat(match[1]).replace(tzinfo=dt.UTC) + self._shift
        return f'"{moment.strftime("%Y-%m-%dT%H:%M:%S")}.{moment.microsecond // 1000:03}Z"'

    def _claude_file(self, repository: str, native_id: str) -> Path:
        slug = re.sub(r"[^A-Za-z0-9]", "-", str(self.home / repository))
        return self.home / ".claude" / "projects" / slug / f"{native_id}.jsonl"

    def _repository(self, folder: Path, branch: str) -> None:
        """As much of a repository as it takes to be one: a branch, and where it came from."""
        git = folder / ".git"
        (git / "objects").mkdir(parents=True)
        (git / "refs" / "heads").mkdir(parents=True)
        (git / "HEAD").write_text(f"ref: refs/heads/{branch}\n")
        (git / "config").write_text(
            "[core]\n\trepositoryformatversion = 0\n"
            f'[remote "origin"]\n\turl = https://git.example.org/acme/{folder.name}.git\n'
        )
