"""What agents, people and the machine do."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import apsw

from tests.helpers.daemon import RpcError
from tests.keep.agents import Chat
from tests.keep.driver import Driver

BALLAST = 4 << 20
NOT_FOUND = -32001


def append(driver: Driver) -> None:
    """A session goes on; sometimes one that is forgotten, or was taken away by age."""
    chat = driver.one()
    hidden = [*driver.forgotten.values(), *driver.pruned.values()]
    hidden = [each for each in hidden if each.root not in driver.away]
    if hidden and driver.random.random() < 0.15:
        chat = driver.random.choice(hidden)
        if chat.name in driver.pruned:
            del driver.pruned[chat.name]
            driver.took(chat)
    if chat is not None:
        driver.say(chat, driver.random.randint(1, 4))
        chat.write(driver.random)


def rewrite(driver: Driver) -> None:
    """One message is another one now, amid the session."""
    chat = driver.one()
    if chat is not None:
        at = driver.random.randrange(len(chat.lines))
        driver.say(chat, 1)
        chat.lines[at] = chat.lines.pop()
        chat.write(driver.random)


def cut(driver: Driver) -> None:
    """The last messages are taken back."""
    chat = driver.one()
    if chat is not None:
        del chat.lines[max(1, len(chat.lines) - 2) :]
        chat.write(driver.random)


def delete(driver: Driver) -> None:
    """Its agent deletes a session."""
    chat = driver.one()
    if chat is not None:
        chat.remove()
        if not chat.acknowledged:
            driver.no_promise(chat)


def replace_database(driver: Driver) -> None:
    """An agent's database is deleted; mostly another one of the same name begins at once."""
    chats = [chat for chat in driver.chats if chat.in_rows and chat.there]
    if chats:
        driver.shelf.remove()
        for chat in chats:
            if not chat.acknowledged:
                driver.no_promise(chat)
        if driver.random.random() < 0.7:
            driver.begin("goose")


def rename(driver: Driver) -> None:
    """A project's folder is another one now; also with what is forgotten in it."""
    chat = driver.one()
    if driver.forgotten and driver.random.random() < 0.3:
        chat = driver.random.choice(list(driver.forgotten.values()))
    if chat is None or chat.agent != "claude-code" or not chat.there:
        return
    name = f"-w-p{driver.random.randint(0, 3)}"
    target = chat.path.parent.with_name(name) / chat.path.name
    if target != chat.path:
        target.parent.mkdir(exist_ok=True)
        chat.path.rename(target)
        chat.path = target


def lose_root(driver: Driver) -> None:
    """The folder of an agent is not there: another name, a disk that is not mounted."""
    roots = {chat.root for chat in driver.chats if chat.there} - set(driver.away)
    if roots:
        root = driver.random.choice(sorted(roots))
        driver.shelf.close()
        if driver.random.random() < 0.3:
            driver.stop()
        driver.away[root] = root.with_name(f"{root.name}-away")
        root.rename(driver.away[root])


def find_root(driver: Driver) -> None:
    """It is there again."""
    if driver.away:
        root = driver.random.choice(sorted(driver.away))
        if driver.random.random() < 0.3:
            driver.stop()
        driver.away.pop(root).rename(root)


def kill_amid_writing(driver: Driver) -> None:
    """Agents write while the daemon is killed."""
    assert driver.daemon
    for _ in range(driver.random.randint(1, 6)):
        append(driver)
        _wait(driver, 0.03)
    driver.kill()


def kill_amid_work(driver: Driver) -> None:
    """It is killed while it does something long."""
    work = ["index.rebuild", "archive.compact", "index.run", "archive.verify", "archive.backup"]
    method = driver.random.choice(work)
    asked = {"archive.verify": {"mend": True}, "index.run": {}, "index.rebuild": {}}
    path = driver.home.path / "broken-off.zst"
    params = {"path": str(path)} if method == "archive.backup" else asked.get(method, {})
    append(driver)
    with driver.daemon.client() as client:
        client.call(method, **params)
        _wait(driver, 0.2)
        driver.kill()
    path.unlink(missing_ok=True)


def lose_index(driver: Driver) -> None:
    """It is removed."""
    driver.stop()
    for path in driver.home.paths.data_dir.glob("index.db*"):
        path.unlink()


def damage_index(driver: Driver) -> None:
    """Its beginning is overwritten."""
    driver.stop()
    if driver.home.paths.index_db.exists():
        with driver.home.paths.index_db.open("rb+") as file:
            file.write(os.urandom(100))


def bump_parsers(driver: Driver) -> None:
    """All was read by older parsers."""
    driver.stop()
    if driver.home.paths.index_db.exists():
        db = apsw.Connection(str(driver.home.paths.index_db))
        db.execute("UPDATE source SET parser_version = parser_version - 1")
        db.close()


def rebuild(driver: Driver) -> None:
    """The index is made anew; sometimes a session is forgotten meanwhile."""
    chat = driver.one()
    with driver.daemon.client() as client:
        name = client.call("index.rebuild", wait=True)["job"]
        if chat is not None and chat.acknowledged and driver.random.random() < 0.6:
            _wait(driver, 0.3)
            done = _forget(driver, chat)
            while not client.notice("jobs.progress")["finished"]:
                pass
            if not done:
                driver.daemon.index()
                assert _forget(driver, chat), f"{name}: {chat.name} cannot be forgotten"
            _forgotten(driver, chat)
        else:
            while not client.notice("jobs.progress")["finished"]:
                pass


def compact(driver: Driver) -> None:
    """Archive and index are made small."""
    with driver.daemon.client() as client:
        client.job("archive.compact")


def note(driver: Driver) -> None:
    """A person puts a star on a session, and says something of it."""
    driver.daemon.index()
    gone = [chat for chat in driver.chats if not chat.there]
    chat = driver.random.choice(gone) if gone else driver.one()
    if chat is not None and (chat.acknowledged or chat.there):
        word = driver.word()
        chat.words.add(word)
        ref = f"{chat.agent}:{chat.id}"
        driver.daemon.call("names.set", ref=ref, starred=True, note=word)
        driver.noted[chat.name] = word


def forget(driver: Driver) -> None:
    """A person forgets a session that was read; sometimes its agent goes on all the same."""
    driver.daemon.index()
    chat = driver.one()
    if chat is None or not (chat.acknowledged or chat.there):
        return
    assert _forget(driver, chat), f"{chat.name} cannot be forgotten"
    _forgotten(driver, chat)
    if driver.random.random() < 0.5:
        driver.say(chat, 1)
        chat.write(driver.random)


def kill_amid_forgetting(driver: Driver) -> None:
    """Whatever was done by then: it can be done to its end."""
    driver.daemon.index()
    chat = driver.one()
    if chat is None or not chat.acknowledged:
        return
    asking = threading.Thread(target=_try_to_forget, args=(driver, chat), daemon=True)
    asking.start()
    _wait(driver, 0.03)
    driver.kill()
    asking.join()
    driver.daemon.index()
    _forget(driver, chat)
    _forgotten(driver, chat)


def unforget(driver: Driver) -> None:
    """It is taken in again, as its agent has it."""
    there = [chat for chat in driver.forgotten.values() if chat.there]
    if there:
        chat = driver.random.choice(there)
        driver.daemon.call("archive.forget", ref=chat.id, undo=True)
        del driver.forgotten[chat.name]
        driver.took(chat)


def fill_disk(driver: Driver) -> None:
    """No room, or nearly none, while agents write; then there is some again."""
    ballast = driver.home.paths.data_dir / "ballast"
    full = driver.random.random() < 0.5
    assert driver.daemon
    _fill(ballast, full)
    append(driver)
    with contextlib.suppress(Exception):
        driver.daemon.index()
    if driver.random.random() < 0.5:
        driver.stop()
    ballast.unlink()


def _fill(ballast: Path, full: bool) -> None:
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        for _ in range(1 << 20 if full else 60):
            file.write(bytes(BALLAST))


def _forget(driver: Driver, chat: Chat) -> bool:
    """Whether a session was found and is forgotten now."""
    try:
        driver.daemon.call("archive.forget", ref=f"{chat.agent}:{chat.id}")
    except RpcError as error:
        if error.code != NOT_FOUND:
            raise
        return False
    return True


def _try_to_forget(driver: Driver, chat: Chat) -> None:
    with contextlib.suppress(OSError, RpcError):
        _forget(driver, chat)


def _forgotten(driver: Driver, chat: Chat) -> None:
    driver.no_promise(chat)
    driver.forgotten[chat.name] = chat


def _wait(driver: Driver, most: float) -> None:
    threading.Event().wait(driver.random.random() * most)
