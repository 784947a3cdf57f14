"""Every path of ours, once (DECISIONS §1, §6), and the modes our files and folders have.

    config  $XDG_CONFIG_HOME/opensession   daemon.toml, config.toml
    data    $XDG_DATA_HOME/opensession     index.db, user.db, archive/, objects/, privacy.key
    state   $XDG_STATE_HOME/opensession    daemon.lock, daemon.json, daemon.log, hints/

`OPENSESSION_HOME` moves all three below one folder. macOS has the same layout as Linux.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec

from opensession.core.errors import Refused, UsageError

NAME = "opensession"

SOCKET_PATH_LIMIT = 100
"""Bytes of a socket's path: the systems allow 104 (macOS) and 108 (Linux), end byte included."""


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything lies. Nothing here is created until it is written.

    `moved` says that `OPENSESSION_HOME` chose the place, so nothing may lie outside of it.
    """

    home: Path
    config_dir: Path
    data_dir: Path
    state_dir: Path
    moved: bool = False

    @property
    def config_file(self) -> Path:
        """Every setting; the user's own file."""
        return self.config_dir / "daemon.toml"

    @property
    def login_file(self) -> Path:
        """Server, key and team, as commands write them."""
        return self.config_dir / "config.toml"

    @property
    def index_db(self) -> Path:
        """The index, which can be rebuilt."""
        return self.data_dir / "index.db"

    @property
    def user_db(self) -> Path:
        """What cannot be rebuilt: aliases, tags, receipts, changes outside our folders."""
        return self.data_dir / "user.db"

    @property
    def archive_dir(self) -> Path:
        """The raw bytes as the agents wrote them."""
        return self.data_dir / "archive"

    @property
    def key_file(self) -> Path:
        """The key of the privacy tags; part of every backup."""
        return self.data_dir / "privacy.key"

    @property
    def lock_file(self) -> Path:
        """Held by the daemon for as long as it lives."""
        return self.state_dir / "daemon.lock"

    @property
    def run_file(self) -> Path:
        """Who the daemon is and where its socket is; clients never guess the socket."""
        return self.state_dir / "daemon.json"

    @property
    def stopped_file(self) -> Path:
        """There while a person wants no daemon: made by `daemon stop`, gone with `daemon start`."""
        return self.state_dir / "stopped"

    @property
    def log_file(self) -> Path:
        return self.state_dir / "daemon.log"

    @property
    def client_log_file(self) -> Path:
        """What commands did not foresee, without session text."""
        return self.state_dir / "client.log"

    @property
    def hints_dir(self) -> Path:
        """Where the hooks of agents drop files that say what changed."""
        return self.state_dir / "hints"


def find_paths(environ: Mapping[str, str]) -> Paths:
    """The paths under an environment; XDG variables count only when they are absolute.

    Raises UsageError for an `OPENSESSION_HOME` that is not absolute: it would name another place
    in every folder.
    """
    home = home_dir(environ)
    moved = environ.get("OPENSESSION_HOME", "")
    if moved:
        base = Path(home, moved[2:]) if moved.startswith("~/") else Path(moved)
        if not base.is_absolute():
            raise UsageError(
                f"OPENSESSION_HOME is not an absolute path: {moved}",
                f'export OPENSESSION_HOME="$PWD/{moved}"',
            )
        return Paths(
            home=home,
            config_dir=base / "config",
            data_dir=base / "data",
            state_dir=base / "state",
            moved=True,
        )
    return Paths(
        home=home,
        config_dir=_xdg(environ, "XDG_CONFIG_HOME", home / ".config") / NAME,
        data_dir=_xdg(environ, "XDG_DATA_HOME", home / ".local" / "share") / NAME,
        state_dir=_xdg(environ, "XDG_STATE_HOME", home / ".local" / "state") / NAME,
    )


def home_dir(environ: Mapping[str, str]) -> Path:
    """The home folder: `HOME` if it is absolute, else the account's own."""
    home = Path(environ.get("HOME", ""))
    return home if home.is_absolute() else Path(pwd.getpwuid(os.getuid()).pw_dir)


def _xdg(environ: Mapping[str, str], name: str, default: Path) -> Path:
    value = Path(environ.get(name, ""))
    return value if value.is_absolute() else default


def make_private(path: Path) -> None:
    """Make a folder, and those above it that are missing, 0700; narrow one that is there.

    Raises Refused if something that is not a folder of this user is in the way.
    """
    missing = []
    above = path
    while not above.exists():
        missing.append(above)
        above = above.parent
    for folder in reversed(missing):
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue  # another process of ours was faster
        folder.chmod(0o700)  # the umask may have taken more than asked, never less
    found = path.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise Refused(f"{path} is not a folder", f"mv {path} {path}.old")
    if found.st_uid != os.getuid():
        raise Refused(
            f"{path} belongs to another user", "export OPENSESSION_HOME=/a/folder/of/yours"
        )
    if stat.S_IMODE(found.st_mode) != 0o700:
        path.chmod(0o700)


def write_private(path: Path, data: bytes) -> None:
    """Replace a file by `data` at once, mode 0600; a reader sees the old or the new, never a part.

    A link is followed, so that a file kept elsewhere (as dotfiles are) stays where it is. Returns
    when the bytes are on disk.
    """
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    temporary.unlink(missing_ok=True)  # left by a killed process of the same numbers
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def socket_path(paths: Paths, environ: Mapping[str, str]) -> Path:
    """Where a daemon that holds the lock makes its socket; the folder is made, 0700.

    `$XDG_RUNTIME_DIR/opensession/` if that is a folder of ours alone, else the state folder; where
    the path is too long for a socket, a folder of ours in `$TMPDIR`. A place where somebody
    answers (the daemon of another home: ours would hold our lock) is left alone. Raises Refused
    if the last resort is a link or not ours.
    """
    if not paths.moved:
        runtime = _runtime_folder(environ)
        if runtime is not None:
            path = runtime / "daemon.sock"
            if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT and not _answers(path):
                return path
    path = paths.state_dir / "daemon.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        make_private(paths.state_dir)
        return path
    import hashlib  # only where it is needed: a command must start fast

    name = hashlib.sha256(os.fsencode(paths.state_dir)).hexdigest()[:8] + ".sock"
    folder = _xdg(environ, "TMPDIR", Path("/tmp")) / f"{NAME}-{os.getuid()}"  # noqa: S108
    if len(os.fsencode(folder / name)) > SOCKET_PATH_LIMIT:
        folder = Path("/tmp", folder.name)  # noqa: S108
    if not _own_folder(folder):
        raise Refused(
            f"{folder} is a link or not ours alone, so no socket is made in it",
            "export XDG_RUNTIME_DIR=/run/user/$(id -u)",
        )
    return folder / name


def _runtime_folder(environ: Mapping[str, str]) -> Path | None:
    runtime = Path(environ.get("XDG_RUNTIME_DIR", ""))
    if not runtime.is_absolute():
        return None
    try:
        found = runtime.stat()
    except OSError:
        return None
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        return None
    folder = runtime / NAME
    return folder if _own_folder(folder) else None


def _own_folder(folder: Path) -> bool:
    """Make a folder 0700, or report whether the one that is there is ours and no link."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError:
        return False
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        return False
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
    return True


def _answers(path: Path) -> bool:
    """Reports whether a process listens on a socket; one that is busy counts."""
    import socket  # as above

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(os.fspath(path)) in (0, errno.EAGAIN, errno.EINPROGRESS)
