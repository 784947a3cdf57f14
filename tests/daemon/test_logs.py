"""The daemon's log: private, bounded, and without any session's text."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator

import pytest

from opensession.core.errors import Refused
from opensession.daemon import logs
from tests.helpers.daemon import Home


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back afterwards."""
    logger = logging.getLogger()
    handlers, level, raising = logger.handlers[:], logger.level, logging.raiseExceptions
    yield logger
    for handler in set(logger.handlers) - set(handlers):
        handler.close()
    logging.captureWarnings(False)
    logger.handlers[:], logging.raiseExceptions = handlers, raising
    logger.setLevel(level)


def test_every_file_of_the_log_is_ours_alone(
    home: Home, root: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DECISIONS §1: explicit modes on everything that is ours, also after a rotation, and the
    log is bounded.
    """
    monkeypatch.setattr(logs, "ROTATE_BYTES", 1000)
    path = home.path / "daemon.log"
    old = os.umask(0)
    try:
        logs.set_up(path, "info", {}, foreground=False)
        for number in range(200):
            root.info("line %d", number)
    finally:
        os.umask(old)

    files = sorted(home.path.glob("daemon.log*"))
    assert len(files) == 1 + logs.KEPT_FILES
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert sum(file.stat().st_size for file in files) < 5000


def test_a_log_that_others_could_read_is_narrowed(home: Home, root: logging.Logger) -> None:
    """As one that was copied back from somewhere."""
    path = home.write("daemon.log", "")
    path.chmod(0o644)

    logs.set_up(path, "info", {}, foreground=False)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_log_that_is_a_link_is_not_followed(home: Home, root: logging.Logger) -> None:
    """Nobody's file is written to by way of ours."""
    target = home.write("target", "")
    (home.path / "daemon.log").symlink_to(target)

    with pytest.raises(OSError):
        logs.set_up(home.path / "daemon.log", "info", {}, foreground=False)


def test_foreign_errors_are_logged_without_what_they_quote(
    home: Home, root: logging.Logger
) -> None:
    """No session text in the log: a ValueError quotes what it choked on, so only its type and
    place are kept; ours and the system's are kept whole, and the causes too.
    """
    path = home.path / "daemon.log"
    logs.set_up(path, "info", {}, foreground=False)
    try:
        try:
            int("a secret line of a session")
        except ValueError as cause:
            raise Refused("the message we wrote") from cause
    except Refused:
        root.exception("reading failed")

    text = path.read_text()
    assert "a secret line" not in text
    assert "ValueError" in text
    assert "Refused: the message we wrote" in text
    assert "test_logs.py" in text


def test_the_level_counts(home: Home, root: logging.Logger) -> None:
    """What is below the level is not written."""
    path = home.path / "daemon.log"
    logs.set_up(path, "warning", {}, foreground=False)
    root.info("quiet")
    logs.set_level("debug")
    root.debug("loud")

    assert [line.split("Z ")[1] for line in path.read_text().splitlines()] == ["DEBUG root: loud"]


def test_the_journal_has_times_of_its_own(
    home: Home, root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the foreground the log goes to stderr as well."""
    logs.set_up(home.path / "a.log", "info", {"JOURNAL_STREAM": "8:1"}, foreground=True)
    root.info("told")

    assert capsys.readouterr().err == "INFO root: told\n"


def test_tail_gives_whole_lines_from_the_end(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that begins before what is read is left out; a log that is not there is empty."""
    path = home.write("log", "".join(f"line {n}\n" for n in range(100)))

    assert logs.tail(path, 2) == ["line 98", "line 99"]
    assert logs.tail(path, 1000)[0] == "line 0"
    assert logs.tail(path, 0) == []
    assert logs.tail(home.path / "none", 5) == []
    monkeypatch.setattr(logs, "TAIL_BYTES", 20)
    assert logs.tail(path, 1000) == ["line 98", "line 99"]
