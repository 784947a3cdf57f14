"""What happens to the archive: bytes of it flip, it is saved and joined again, put back, pruned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opensession.daemon import archive
from opensession.daemon.archive import DamagedArchive
from tests.keep.agents import Chat
from tests.keep.checks import check_index, file_of
from tests.keep.driver import Backup, Driver
from tests.keep.steps import note

Held = dict[int, bytes]
"""The bytes of each generation that can be read."""


def flip(driver: Driver) -> None:
    """A bit of the archive is another one, or a few bytes are: that is named; what the source has
    is mended; what it has not stays named, and everything else as it was, until a backup has it or
    the disk gives it back.
    """
    chat = driver.one()
    file = file_of(driver, chat.agent, chat.path) if chat is not None else Path()
    if chat is None or not chat.acknowledged or not file.is_file():
        return
    if driver.random.random() < 0.4:
        back_up(driver)
    if driver.random.random() < 0.5:
        driver.stop()
    before, others = _held(file), _others(driver, file)
    at, wrong = _place(driver, file), bytes([1 << driver.random.randrange(8)])
    if driver.random.random() < 0.3:
        # Where all headers of a state's frames are lost, nothing tells that it was.
        frames = [
            (each.position, each.position + each.packed) for each in archive.scan(file).entries
        ]
        left = next((end - at for begin, end in frames if begin <= at < end), 0)
        wrong = driver.random.randbytes(40)[:left] or wrong
    _change(file, at, wrong)
    if chat.there and driver.random.random() < 0.3:
        driver.say(chat, 1)
        chat.write(driver.random)
    driver.daemon.index()
    _check_named(driver, chat, file, before)
    found = _verify(driver, mend=True)
    for frame in found["damaged"]:
        assert frame["mended"] == (not _named(_verify(driver), file)), frame
    if chat.there:
        newest = list(_held(file).values())[-1]
        assert chat.in_rows or newest == chat.path.read_bytes(), f"{chat.name} was not mended"
    lost = _check_named(driver, chat, file, before)
    now = _others(driver, file)  # where new sessions may have begun
    for name, states in others.items():
        for state in states:
            kept = any(one.startswith(state) for one in now.get(name, []))
            assert kept, f"{name} was changed: {state!r} is {now.get(name)}"
    check_index(driver, driver.daemon)
    if lost or _named(_verify(driver), file):
        _heal(driver, file, at, wrong, before)


def back_up(driver: Driver) -> None:
    """All of it into one file, while the daemon runs."""
    driver.daemon.index()
    path = driver.home.path / f"backup-{len(driver.trail)}.zst"
    with driver.daemon.client() as client:
        last = client.job("archive.backup", path=str(path))
    assert last["error"] == ""
    if driver.backup is not None:
        driver.backup.path.unlink(missing_ok=True)
    for chat in driver.chats:
        chat.acknowledged = chat.acknowledged or chat.there
    driver.backup = Backup(driver, path)


def restore(driver: Driver) -> None:
    """A backup is joined with what is there. What was forgotten since stays so, and what was taken
    in again since is not forgotten once more; what was taken away by age is there again.
    """
    if driver.backup is None:
        back_up(driver)
        return
    backup = driver.backup
    driver.stop()
    done = driver.home.run("restore", str(backup.path), "--merge")
    assert done.returncode == 0, done.stderr
    for name in [name for name in driver.pruned if name in backup.lines]:
        chat = driver.pruned.pop(name)
        chat.lines = list(backup.lines[name])
        driver.chats.append(chat)
        for key, states in backup.kept.items():
            if key[0] == name:
                driver.kept[key] = list(states)


def revive(driver: Driver) -> None:
    """A deleted file is put back, byte for byte, and is the session that it was."""
    gone = [
        chat
        for chat in driver.chats
        if not chat.there and chat.root not in driver.away and (chat.name, chat.path) in driver.kept
    ]
    if not gone:
        chat = driver.one()
        if chat is None or chat.in_rows or not chat.acknowledged:
            return
        driver.daemon.index()
        driver.kept.setdefault((chat.name, chat.path), [])
        if not driver.kept[chat.name, chat.path]:
            return
        chat.write(driver.random)
        driver.daemon.index()
        driver.kept[chat.name, chat.path].append(chat.path.read_bytes())
        chat.remove()
        gone = [chat]
    chat = driver.random.choice(gone)
    daemon = driver.daemon
    daemon.index()
    before = _row(driver, chat)
    done = daemon.call("archive.revive", ref=f"{chat.agent}:{chat.id}", really=True)
    assert [file["state"] for file in done["files"]] == ["written"], done
    assert done["files"][0]["path"] == str(chat.path)
    assert chat.path.read_bytes() == driver.kept[chat.name, chat.path][-1], "other bytes are back"
    daemon.index()
    after = _row(driver, chat)
    for name in ("times", "short", "events", "title", "created_at"):
        assert after.get(name) == before.get(name), f"{name} of {chat.name} is another one"


def prune(driver: Driver) -> None:
    """What is old, and gone, is taken away; what its agent has, or may have, is not."""
    if driver.random.random() < 0.6:
        note(driver)
    driver.daemon.index()
    really = driver.random.random() < 0.7
    before = _names(driver)
    done = driver.daemon.call("archive.prune", keep_days=1, really=really)
    taken = before - _names(driver)
    counted = sum(row["sessions"] for row in done["agents"])
    assert len(taken) == (counted if really else 0)
    for chat in [chat for chat in driver.chats if chat.name in taken]:
        assert not chat.there, f"{chat.name} is there, and was taken away"
        assert chat.name not in driver.noted, f"{chat.name} has a star, and was taken away"
        assert chat.root not in driver.away, f"{chat.root.name} may come back with {chat.name}"
        driver.no_promise(chat)
        driver.pruned[chat.name] = chat


def _heal(driver: Driver, file: Path, at: int, wrong: bytes, before: Held) -> None:
    """A backup has what is lost, if it is from before; else the disk gives it back."""
    if (
        before
        and driver.backup is not None
        and driver.backup.path.name == f"backup-{len(driver.trail)}.zst"
    ):
        driver.trail.append("restored")
        restore(driver)
        driver.daemon.index()
        held = list(_held(file).values())
        for data in before.values():
            found = any(one.startswith(data) for one in held)
            assert found, f"the backup did not give back {len(data)} bytes of {file.name}"
        left = _named(_verify(driver), file)
        assert not left, f"damage stays: {left}"
    else:
        _change(file, at, wrong)


def _check_named(driver: Driver, chat: Chat, file: Path, before: Held) -> bool:
    """Whether bytes cannot be read any more; fails unless just that is named."""
    now = _held(file)
    lost = any(now.get(number) != data for number, data in before.items() if data) and any(
        not any(one.startswith(data) for one in now.values()) for data in before.values()
    )
    for number, data in now.items():
        known = before.get(number, b"")
        assert data.startswith(known) or known.startswith(data), "it reads as other bytes"
    found = _verify(driver)
    assert not [frame for frame in found["damaged"] if frame["file"] != str(file)]
    named = _named(found, file)
    if lost:
        assert named, f"{chat.name} lost bytes, and nothing says so"
    for frame in named:
        assert frame["tool"] == chat.agent
        assert chat.id in frame["sessions"], frame
        assert frame["living"] == chat.there or chat.in_rows, frame
        said = [each["message"] for each in found["findings"] if each["state"] == "red"]
        assert any(str(file) in each and chat.id in each for each in said) or chat.in_rows, said
    return lost


def _verify(driver: Driver, *, mend: bool = False) -> dict[str, Any]:
    with driver.daemon.client() as client:
        last = client.job("archive.verify", mend=mend)
    assert last["error"] == "", last["error"]
    return dict(last["result"])


def _named(found: dict[str, Any], file: Path) -> list[dict[str, Any]]:
    return [frame for frame in found["damaged"] if frame["file"] == str(file)]


def _place(driver: Driver, file: Path) -> int:
    """A byte of a frame, or now and then any byte of the file."""
    entries = [entry for entry in archive.scan(file).entries if entry.packed]
    if not entries or driver.random.random() < 0.25:
        return driver.random.randrange(file.stat().st_size)
    entry = driver.random.choice(entries)
    return entry.position + driver.random.randrange(entry.packed)


def _change(file: Path, at: int, wrong: bytes) -> None:
    """Twice gives what was there."""
    with file.open("rb+") as out:
        out.seek(at)
        there = out.read(len(wrong))
        out.seek(at)
        out.write(bytes(one ^ other for one, other in zip(there, wrong, strict=True)))


def _held(file: Path) -> Held:
    found: Held = {}
    for number in sorted({entry.generation for entry in archive.scan(file).entries}):
        try:
            found[number] = b"".join(archive.read(file, number))
        except DamagedArchive:
            continue
    return found


def _others(driver: Driver, file: Path) -> dict[str, list[bytes]]:
    files = driver.home.paths.archive_dir.glob("??/*.zst")
    return {str(path): list(_held(path).values()) for path in files if path != file}


def _row(driver: Driver, chat: Chat) -> dict[str, Any]:
    listed = driver.daemon.call("sessions.list", all=True, limit=500)["sessions"]
    rows = [row for row in listed if row["tool"] == chat.agent and row["id"].startswith(chat.id)]
    row = next(row for row in rows if row["id"] == chat.id)
    return {**row, "times": len(rows)}


def _names(driver: Driver) -> set[str]:
    listed = driver.daemon.call("sessions.list", all=True, limit=500)["sessions"]
    return {f"{row['tool']}/{row['id']}" for row in listed}
