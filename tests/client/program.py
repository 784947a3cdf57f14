"""The program as a person runs it, in a home of its own."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema

from opensession.client import processes
from opensession.client.demo_stage import Stage
from opensession.core.paths import Paths, find_paths
from tests.helpers import forked

PATIENCE = 120.0
"""Seconds after which a test fails instead of waiting on; nothing is expected to take long."""

SCHEMAS = Path(__file__).parent / "schemas"


class Cli:
    """The program in a home of its own."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.stage = Stage(base, dt.datetime.now(tz=dt.UTC))
        (base / "tmp").mkdir()
        self.stage.home.mkdir(exist_ok=True)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.stage.home),
            "OPENSESSION_HOME": str(self.stage.own),
            "TMPDIR": str(base / "tmp"),
            "TZ": "UTC",
            "LANG": "C.UTF-8",
        }
        self.cwd = self.stage.home

    @property
    def paths(self) -> Paths:
        return find_paths(self.environ)

    def run(
        self, *words: str, cwd: Path | None = None, given: str = "", **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        told = {**self.environ, **environ}
        return forked.run("client", words, told, cwd or self.cwd, given, PATIENCE)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-P", "-m", "opensession.client", *words]

    def ok(self, *words: str, cwd: Path | None = None, **environ: str) -> str:
        """What a command prints that succeeds."""
        done = self.run(*words, cwd=cwd, **environ)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    def json(self, *words: str, cwd: Path | None = None, **environ: str) -> Any:
        """The JSON that a command prints that succeeds."""
        return json.loads(self.ok(*words, cwd=cwd, **environ))

    def fails(self, code: int, *words: str, cwd: Path | None = None, **environ: str) -> list[str]:
        """The lines of stderr of a command that fails: what, and what to do next."""
        done = self.run(*words, cwd=cwd, **environ)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        return done.stderr.splitlines()

    def stop(self) -> None:
        processes.stop(self.paths, self.environ)


def check_schema(name: str, value: Any) -> None:
    """Fail unless a value is as `schemas/<name>.json` says."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    jsonschema.validate(value, schema, cls=jsonschema.Draft202012Validator)
