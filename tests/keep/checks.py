"""What holds after every step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from opensession.daemon import archive
from opensession.daemon.archive.checking import look_through
from tests.daemon.same_index import hits
from tests.helpers.daemon import Daemon, Home, eventually
from tests.keep.driver import Driver

_SHARED = 3
"""Letters that a word may share with another: a search index writes them once."""


def check(driver: Driver) -> None:
    """Fails unless all that was acknowledged is there, and nothing that is forgotten is."""
    daemon = driver.daemon
    daemon.index()
    for chat in driver.chats:
        chat.acknowledged = chat.acknowledged or chat.there
        if chat.there and not chat.in_rows:
            states = driver.kept.setdefault((chat.name, chat.path), [])
            _remember(states, chat.path.read_bytes())
    eventually(lambda: not daemon.call("archive.forgotten")["erasing"])
    check_files(driver)
    check_logs(driver)
    check_index(driver, daemon)
    check_gone(driver)


def check_files(driver: Driver) -> None:
    """Each state of a file that was acknowledged is archived, the last one as the newest."""
    for (name, path), states in driver.kept.items():
        file = file_of(driver, name.partition("/")[0], path)
        broken = look_through(file).broken
        assert broken == [], f"{name}: its archive is damaged: {file.name} {broken}"
        held = list(generations(file))
        assert held[-1] == states[-1], f"{name}: the newest state is another one"
        for state in states:
            found = any(one.startswith(state) for one in held)
            assert found, f"{name}: a state of {len(state)} bytes is gone"


def check_logs(driver: Driver) -> None:
    """What was ever archived of a database stays, but for lines that name what is forgotten, or was
    taken away by age; and all that its sessions say is in it.
    """
    chats = [chat for chat in driver.chats if chat.in_rows and chat.acknowledged]
    for path in {chat.path for chat in chats} | set(driver.logs):
        held = list(generations(file_of(driver, "goose", path)))
        taken = [*driver.forgotten, *driver.pruned]
        gone = [name.partition("/")[2].encode() for name in taken]
        states = driver.logs.setdefault(path, [])
        for number, state in enumerate(states):
            found = [one for one in held if _goes_on(state, one, gone)]
            assert found, f"a log of {len(state)} bytes is gone"
            states[number] = found[-1][: len(state)]  # with blanks, if it has any
        if held:
            states[:] = [one for one in states if not held[-1].startswith(one)]
            states.append(held[-1])
        for chat in chats:
            places = held[-1:] if chat.there else held
            for word in chat.said:
                assert any(word.encode() in one for one in places), (
                    f"{word} of {chat.name} is not archived"
                )


def check_index(driver: Driver, daemon: Daemon) -> None:
    """Each session is in the list, marked where its agent has it no more, and found by all its
    words; what is forgotten is not.
    """
    listed = daemon.call("sessions.list", all=True, limit=500)["sessions"]
    marks = {f"{row['tool']}/{row['id']}": row["source"] for row in listed}
    names = set(marks)
    for chat in driver.chats:
        if not chat.acknowledged:
            continue
        assert chat.name in names, f"{chat.name} is in no list"
        assert bool(marks[chat.name]) != chat.there, f"{chat.name}: marked {marks[chat.name]!r}"
        for word, places in hits(driver.home.paths.index_db, chat.said).items():
            told = {(at, seq) for at, seq in places if seq}
            own = {(at, seq) for at, seq in told if at.startswith(chat.name)}
            assert own, f"{word} of {chat.name} is not found"
            assert own == told, f"{word} of {chat.name} is found in another session"
    notes = {f"{row['tool']}/{row['id']}": row["note"] for row in listed if row["starred"]}
    for name, said in driver.noted.items():
        assert notes.get(name) == said, f"the note of {name} is {notes.get(name)}"
    assert not names & set(driver.forgotten), "a forgotten session is in a list"
    assert not names & set(driver.pruned), "a session that was taken away by age is in a list"


def check_gone(driver: Driver) -> None:
    """No byte of what is forgotten, or was taken away by age, is in our files."""
    gone = [*driver.forgotten.values(), *driver.pruned.values()]
    words = {word for chat in gone for word in chat.words}
    if not words:
        return
    found = hits(driver.home.paths.index_db, sorted(words))
    assert not any(found.values()), f"a forgotten word is found: {found}"
    forgotten = {word for chat in driver.forgotten.values() for word in chat.words}
    for name, data in our_bytes(driver.home):
        # A damaged index that is kept is not looked into by age; to forget something removes it.
        sought = forgotten if ".corrupt-" in name else words
        held = [word for word in sought if word[_SHARED:].encode() in data]
        of = [chat.name for chat in gone if chat.words & set(held)]
        assert not held, f"{name} holds {sorted(held)[:3]} of {of}"


def file_of(driver: Driver, agent: str, path: Path) -> Path:
    """The archive file of a source."""
    return archive.file_for(driver.home.paths.archive_dir, agent, str(path))


def generations(file: Path) -> Iterator[bytes]:
    """The bytes of each generation of an archive file, oldest first; of no file none."""
    if file.exists():
        for number in sorted({entry.generation for entry in archive.scan(file).entries}) or [1]:
            yield b"".join(archive.read(file, number))


def our_bytes(home: Home) -> Iterator[tuple[str, bytes]]:
    """All our files, and what the archive's hold."""
    for path in sorted(home.path.glob("os/**/*")):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                yield path.name, path.read_bytes()
                if path.suffix == ".zst":
                    for data in generations(path):
                        yield path.name, data


def _remember(states: list[bytes], state: bytes) -> None:
    """A further state; those that it goes on from are in it."""
    states[:] = [one for one in states if not state.startswith(one)]
    states.append(state)


def _goes_on(state: bytes, held: bytes, gone: list[bytes]) -> bool:
    """Whether a log begins with another, blank where that named what is forgotten."""
    if held.startswith(state):
        return True
    lines = held.split(b"\n")
    for number, line in enumerate(state.split(b"\n")[:-1]):
        if number >= len(lines):
            return False
        now = lines[number]
        blank = len(now) == len(line) and not now.strip() and any(each in line for each in gone)
        if now != line and not blank:
            return False
    return True
