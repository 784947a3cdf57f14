"""The only wiring: what is started in which order, and ended in which.

    place, configuration, lock      nobody else is the daemon of this home
    user.db, index.db               opened, or made anew where damaged
    socket, daemon.json, READY      clients find us
    capture                         watching and reading begin

It ends in the opposite order, in under five seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import functools
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable, MutableMapping, Sequence
from pathlib import Path

from opensession.core import __version__
from opensession.core.config import Loaded
from opensession.core.errors import OpenSessionError, Refused, UsageError
from opensession.core.paths import Paths, find_paths, make_private, socket_path
from opensession.core.privacy import load_key
from opensession.daemon import daily, facts, lifecycle, logs, notify, sockets, tasks
from opensession.daemon.bus import Bus
from opensession.daemon.guards import Guards
from opensession.daemon.library import Library
from opensession.daemon.methods import HANDLERS
from opensession.daemon.notify import Notifier
from opensession.daemon.pausing import Pauses
from opensession.daemon.projects import links
from opensession.daemon.publish.opening import open_publisher
from opensession.daemon.rpc import Server
from opensession.daemon.state import App, load_config
from opensession.daemon.store.change import Change
from opensession.daemon.store.connect import CorruptDatabase
from opensession.daemon.store.leaks_write import LeakBook
from opensession.daemon.user_data import UserData, extra_roots

log = logging.getLogger(__name__)

STOP_SECONDS = 4.5
"""After so long a stop that hangs is broken off; the stacks are then in the log."""

CONFIG_SECONDS = 60.0
"""How often the configuration is looked at, beyond when a client asks for something."""


def run(
    environ: MutableMapping[str, str],
    *,
    foreground: bool = False,
    history: bool = True,
    exit_idle: float | None = None,
) -> int:
    """Be the daemon until it is stopped; the exit code. 0 also if there is one already.

    Without `history` nothing is read before a client asks for it. `exit_idle` seconds after the
    last client it ends. Raises OpenSessionError where it cannot or must not run.
    """
    handed_over = notify.activated_socket(environ, os.getpid())
    paths = find_paths(environ)
    lifecycle.check_place(paths)
    loaded = load_config(paths, environ)
    if loaded.errors:
        raise UsageError("\n".join(loaded.errors), f"edit {paths.config_file}")
    for folder in (paths.config_dir, paths.data_dir, paths.state_dir):
        make_private(folder)
    lifecycle.check_host(paths)
    lock = lifecycle.take_lock(paths.lock_file)
    if lock is None:
        other = lifecycle.wait_for_other(paths)
        sys.stderr.write(f"opensession-daemon: a daemon is already running (pid {other.pid})\n")
        return 0
    logs.set_up(paths.log_file, loaded.settings.daemon.log_level, environ, foreground=foreground)
    try:
        asyncio.run(_serve(paths, environ, loaded, handed_over, history, exit_idle))
    except (OpenSessionError, OSError):
        raise
    except Exception as error:
        log.exception("the daemon ends")
        raise OpenSessionError(
            f"it failed: {type(error).__name__}", "opensession daemon logs"
        ) from error
    finally:
        faulthandler.cancel_dump_traceback_later()
        logging.shutdown()
        os.close(lock)
    return 0


async def _serve(
    paths: Paths,
    environ: MutableMapping[str, str],
    loaded: Loaded,
    handed_over: socket.socket | None,
    history: bool,
    exit_idle: float | None,
) -> None:
    log.info("opensession %s starts, pid %d", __version__, os.getpid())
    notifier = Notifier(environ)
    clean = not paths.run_file.exists()
    async with contextlib.AsyncExitStack() as ending:
        user = _open_user(paths)
        ending.callback(user.close)
        bus = Bus()
        listeners: list[Callable[[Sequence[Change]], None]] = [bus.publish]
        told = await user.run(extra_roots)
        guards = await asyncio.to_thread(Guards, user, load_key(paths.key_file))
        library = Library(
            paths,
            environ,
            loaded.settings,
            told,
            on_changes=functools.partial(_tell, listeners),
            leaks=await asyncio.to_thread(LeakBook, user),
            kept=guards,
            pauses=await asyncio.to_thread(Pauses, user, guards),
        )
        ending.push_async_callback(library.close)
        library.links = await user.run(links)
        await library.open()

        path = Path(handed_over.getsockname()) if handed_over else socket_path(paths, environ)
        listening = handed_over or sockets.listen(path)
        if handed_over is None:
            ending.callback(_remove_socket, path, sockets.identity(path))
        app = App(
            paths,
            environ,
            loaded,
            socket=path,
            instance=secrets.token_hex(8),
            library=library,
            bus=bus,
            user=user,
        )
        app.publisher = await open_publisher(paths, environ, library, user, lambda: app.loaded)
        ending.push_async_callback(app.publisher.close)
        listeners.append(app.publisher.changed)
        calls = {name: functools.partial(handler, app) for name, handler in HANDLERS.items()}
        server = Server(calls, IdleEnd(app.stopping.set, exit_idle).changed)
        ending.push_async_callback(server.close)
        ending.push_async_callback(bus.close)
        await server.start(listening)
        handle_signals(app)
        announced = lifecycle.announce(paths, path, app.instance)
        ending.callback(lifecycle.withdraw, paths, announced)
        background = [
            tasks.spawn(_look_at_config(app), name="configuration"),
            tasks.spawn(daily.every_day(app), name="what is done once a day"),
        ]
        ending.push_async_callback(tasks.cancel, background)
        ending.callback(_begin_stop, paths, notifier)

        _keep_alive(notifier, environ)
        notifier.send("READY=1", "STATUS=answering")
        log.info("answering at %s", path)
        if loaded.settings.archive.raw:
            log.info("%s", facts.kept_line(paths.archive_dir))
        if not clean:
            background.append(tasks.spawn(library.look_through(), name="look through the index"))
        await library.start(history=history)
        await app.publisher.start()
        await app.stopping.wait()
    log.info("stopped")


def _tell(
    listeners: Sequence[Callable[[Sequence[Change]], None]], changes: Sequence[Change]
) -> None:
    for listener in listeners:
        listener(changes)


def _open_user(paths: Paths) -> UserData:
    """`user.db`; raises Refused if it is damaged, for what it holds cannot be made again."""
    try:
        return UserData(paths.user_db)
    except CorruptDatabase as error:
        raise Refused(
            f"{paths.user_db} is damaged ({error}); it holds what cannot be made again",
            f"restore it from a backup, or give it up: mv {paths.user_db} {paths.user_db}.damaged",
        ) from error


def handle_signals(app: App) -> None:
    """TERM and INT stop in good order, a second one at once; HUP reads the configuration."""
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        if app.stopping.is_set():
            log.warning("%s again: ending at once", number.name)
            os._exit(128 + number)
        log.info("%s", number.name)
        app.stopping.set()

    def reload() -> None:
        tasks.spawn(app.refresh_config(force=True), name="reload")

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGHUP, reload)


def _begin_stop(paths: Paths, notifier: Notifier) -> None:
    """The first step of the stop: from now on it may take only so long."""
    notifier.send("STOPPING=1")
    log.info("stopping")
    # faulthandler keeps the file open until the process ends or calls it off.
    faulthandler.dump_traceback_later(STOP_SECONDS, exit=True, file=paths.log_file.open("ab"))


def _remove_socket(path: Path, made: tuple[int, int] | None) -> None:
    """Remove our own socket, not one that took its place."""
    if made is not None and sockets.identity(path) == made:
        path.unlink(missing_ok=True)


def _keep_alive(notifier: Notifier, environ: MutableMapping[str, str]) -> None:
    """Give the service manager the signs of life it asked for, as long as the loop runs."""
    seconds = notify.watchdog_seconds(environ, os.getpid())
    if seconds is None:
        return
    loop = asyncio.get_running_loop()

    def alive() -> None:
        notifier.send("WATCHDOG=1")
        loop.call_later(seconds, alive)

    alive()


async def _look_at_config(app: App) -> None:
    while True:
        await asyncio.sleep(CONFIG_SECONDS)
        await app.refresh_config()


class IdleEnd:
    """Ends the daemon so many seconds after its last client; never, if `seconds` is None."""

    def __init__(self, end: Callable[[], None], seconds: float | None) -> None:
        self._end = end
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self.changed(0)

    def changed(self, connections: int) -> None:
        """So many connections are open now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._seconds is not None and connections == 0:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._end)
