"""Where everything lies, and with which modes."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from opensession.core.errors import Refused, UsageError
from opensession.core.paths import (
    SOCKET_PATH_LIMIT,
    find_paths,
    make_private,
    socket_path,
    write_private,
)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="os-", dir="/tmp") as folder:
        yield Path(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_defaults_below_the_home() -> None:
    """DECISIONS §1: config, data and state follow XDG."""
    paths = find_paths({"HOME": "/home/ann"})
    assert paths.config_file == Path("/home/ann/.config/opensession/daemon.toml")
    assert paths.login_file == Path("/home/ann/.config/opensession/config.toml")
    assert paths.index_db == Path("/home/ann/.local/share/opensession/index.db")
    assert paths.run_file == Path("/home/ann/.local/state/opensession/daemon.json")


def test_xdg_variables_count_only_when_absolute() -> None:
    paths = find_paths(
        {"HOME": "/home/ann", "XDG_CONFIG_HOME": "/etc/x", "XDG_DATA_HOME": "relative"}
    )
    assert paths.config_dir == Path("/etc/x/opensession")
    assert paths.data_dir == Path("/home/ann/.local/share/opensession")


def test_opensession_home_moves_all_three() -> None:
    """DECISIONS §1: OPENSESSION_HOME moves config, data and state together, before XDG."""
    paths = find_paths(
        {"HOME": "/home/ann", "OPENSESSION_HOME": "/srv/os", "XDG_STATE_HOME": "/var/x"}
    )
    assert (paths.config_dir, paths.data_dir, paths.state_dir) == (
        Path("/srv/os/config"),
        Path("/srv/os/data"),
        Path("/srv/os/state"),
    )


def test_a_relative_opensession_home_is_refused() -> None:
    with pytest.raises(UsageError):
        find_paths({"HOME": "/home/ann", "OPENSESSION_HOME": "here"})


def test_a_home_that_is_not_set_is_the_accounts() -> None:
    assert find_paths({}).home.is_absolute()


def test_private_folders_are_0700_whatever_the_umask(tmp_path: Path) -> None:
    """DECISIONS §1: explicit modes, no process-wide umask."""
    before = os.umask(0)
    try:
        make_private(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700


def test_a_wide_folder_is_narrowed(tmp_path: Path) -> None:
    wide = tmp_path / "wide"
    wide.mkdir(mode=0o755)
    make_private(wide)
    assert mode(wide) == 0o700


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(Refused):
        make_private(tmp_path / "x")


def test_private_files_are_0600_and_leave_nothing_beside_them(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "f", b"one")
        write_private(tmp_path / "f", b"two")
    finally:
        os.umask(before)
    assert mode(tmp_path / "f") == 0o600
    assert (tmp_path / "f").read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [tmp_path / "f"]


def test_a_linked_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "daemon.toml"
    real.write_text("")
    (tmp_path / "daemon.toml").symlink_to(real)
    write_private(tmp_path / "daemon.toml", b"x = 1\n")
    assert (tmp_path / "daemon.toml").is_symlink()
    assert real.read_text() == "x = 1\n"


def test_socket_in_the_runtime_folder(short: Path) -> None:
    """DECISIONS §6: $XDG_RUNTIME_DIR/opensession/daemon.sock if that folder is ours and 0700."""
    runtime = short / "run"
    runtime.mkdir(mode=0o700)
    environ = {"HOME": str(short), "XDG_RUNTIME_DIR": str(runtime)}
    path = socket_path(find_paths(environ), environ)
    assert path == runtime / "opensession" / "daemon.sock"
    assert mode(path.parent) == 0o700


def test_socket_in_the_state_folder_where_the_runtime_folder_is_open(short: Path) -> None:
    runtime = short / "run"
    runtime.mkdir()
    runtime.chmod(0o755)
    environ = {"HOME": str(short), "XDG_RUNTIME_DIR": str(runtime)}
    paths = find_paths(environ)
    assert socket_path(paths, environ) == paths.state_dir / "daemon.sock"
    assert mode(paths.state_dir) == 0o700


def test_a_moved_home_keeps_its_socket_to_itself(short: Path) -> None:
    runtime = short / "run"
    runtime.mkdir(mode=0o700)
    environ = {"OPENSESSION_HOME": str(short / "h"), "XDG_RUNTIME_DIR": str(runtime)}
    assert socket_path(find_paths(environ), environ) == short / "h" / "state" / "daemon.sock"


def test_a_socket_that_answers_is_not_taken(short: Path) -> None:
    """The daemon of another home may use the same runtime folder: its socket is left alone."""
    runtime = short / "run"
    runtime.mkdir(mode=0o700)
    environ = {"HOME": str(short), "XDG_RUNTIME_DIR": str(runtime)}
    paths = find_paths(environ)
    taken = socket_path(paths, environ)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(taken))
        other.listen()
        assert socket_path(paths, environ) == paths.state_dir / "daemon.sock"
    assert socket_path(paths, environ) == taken


def test_a_long_path_goes_to_the_temporary_folder(short: Path) -> None:
    """DECISIONS §6: over 100 bytes, $TMPDIR/opensession-<uid>/<8 hex>.sock in a 0700 folder."""
    environ = {"HOME": str(short / ("x" * 90)), "TMPDIR": str(short)}
    path = socket_path(find_paths(environ), environ)
    assert path.parent == short / f"opensession-{os.getuid()}"
    assert path.suffix == ".sock"
    assert len(path.stem) == 8
    assert mode(path.parent) == 0o700
    assert len(os.fsencode(path)) <= SOCKET_PATH_LIMIT


def test_a_link_in_the_temporary_folder_is_refused(short: Path) -> None:
    """DECISIONS §6: refused if it is a link."""
    (short / "elsewhere").mkdir()
    (short / f"opensession-{os.getuid()}").symlink_to(short / "elsewhere")
    environ = {"HOME": str(short / ("x" * 90)), "TMPDIR": str(short)}
    with pytest.raises(Refused):
        socket_path(find_paths(environ), environ)
