"""The demo: a whole run, and that it leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

from tests.client.program import Cli


def test_the_demo_shows_everything_and_leaves_nothing(cli: Cli, tmp_path: Path) -> None:
    """It never touches the user's own data, and works without a terminal."""
    done = cli.run("demo")
    text = done.stdout

    assert done.returncode == 0, done.stderr
    for part in (
        "$ opensession log --all",
        "Fix the off-by-one in the rate limiter",
        "«",
        "Add a /healthz endpoint",
        "by model",
        "[redacted:",
        "opensession discover",
    ):
        assert part in text
    assert text.index("$ opensession log --follow") < text.index("$ opensession search healthz")
    assert text.count("acme_d3m0Tk4f9a8b7c6d5e3f2a1b") == 1
    assert list(cli.stage.home.iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not cli.stage.own.exists()
