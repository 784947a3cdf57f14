"""When a command may start a daemon on its own (DECISIONS §6)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opensession.client import start
from opensession.core.errors import Refused, Unreachable
from opensession.core.paths import Paths, find_paths, make_private, write_private


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find_paths({"HOME": str(tmp_path), "OPENSESSION_HOME": str(tmp_path / "os")})


def test_a_command_may_start_one_unless_something_stands_against_it(paths: Paths) -> None:
    start.check_may_start(paths, {}, no_start=False)
    start.check_may_start(paths, {"OPENSESSION_NO_AUTOSTART": "0"}, no_start=False)


def test_no_start_and_its_variable(paths: Paths) -> None:
    with pytest.raises(Unreachable):
        start.check_may_start(paths, {}, no_start=True)
    with pytest.raises(Unreachable):
        start.check_may_start(paths, {"OPENSESSION_NO_AUTOSTART": "1"}, no_start=False)


def test_a_daemon_stopped_by_hand_stays_stopped(paths: Paths) -> None:
    """DECISIONS §6: only if none was stopped by hand since the last `daemon start`."""
    make_private(paths.state_dir)
    write_private(paths.stopped_file, b"")

    with pytest.raises(Unreachable, match="by hand") as raised:
        start.check_may_start(paths, {}, no_start=False)

    assert raised.value.hint == "opensession daemon start"


def test_the_setting_turns_it_off(paths: Paths) -> None:
    """DECISIONS §6: `[cli] auto_start = false` turns it off."""
    make_private(paths.config_dir)
    paths.config_file.write_text("[cli]\nauto_start = false\n")

    with pytest.raises(Unreachable, match="auto_start"):
        start.check_may_start(paths, {}, no_start=False)


def test_root_never_starts_one_for_another_user(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DECISIONS §6: never as root for a home that is not root's."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    if paths.home.stat().st_uid == 0:
        os.chown(paths.home, 12345, -1)

    with pytest.raises(Refused, match="root"):
        start.check_may_start(paths, {}, no_start=False)


@pytest.mark.parametrize(
    ("code", "said", "message", "hint"),
    [
        (
            2,
            "opensession-daemon: daemon.debounce_secs must be a number\nnext: edit it\n",
            "the daemon did not start: daemon.debounce_secs must be a number",
            "edit it",
        ),
        (1, "", "the daemon did not start: it ended with code 1", "opensession daemon run"),
    ],
)
def test_what_a_daemon_says_before_it_gives_up_is_passed_on(
    code: int, said: str, message: str, hint: str
) -> None:
    error = start.failure(code, said)

    assert (str(error), error.hint) == (message, hint)
    assert error.exit_code == code
