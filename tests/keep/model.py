"""The model of what is to be kept, and a driver that does to a real daemon what happens to one.

After each step: the bytes of every state of a file that was acknowledged (all found was read) are
in the archive, its words are found, in the session they were said in; and of what is forgotten no
byte is anywhere in our files, whatever became of the index meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

from opensession.daemon import archive
from tests.daemon.same_index import hits
from tests.helpers.daemon import Daemon, Home, eventually, running
from tests.keep.agents import Chat

QUICK = "[daemon]\nrealtime_debounce_ms = 5\ndebounce_secs = 0.05\n"
BALLAST = 4 << 20


class Driver:
    """A home with agents and a daemon, driven by a seed. `small_disk` says that our files lie on a
    disk that can be filled.
    """

    def __init__(self, home: Home, seed: int, *, small_disk: bool = False) -> None:
        self.home = home
        self.random = random.Random(seed)
        self.small_disk = small_disk
        self.chats: list[Chat] = []
        self.forgotten: dict[str, Chat] = {}
        self.kept: dict[tuple[str, Path], list[bytes]] = {}
        self.trail: list[str] = []
        self._words = 0
        self._ending = contextlib.ExitStack()
        self._daemon: Daemon | None = None
        home.configure(QUICK)

    @property
    def daemon(self) -> Daemon:
        if self._daemon is None:
            self._daemon = self._ending.enter_context(running(self.home))
        return self._daemon

    def close(self) -> None:
        self._daemon = None
        self._ending.close()
        self._ending = contextlib.ExitStack()

    def stop(self) -> None:
        """In good order, or as a power cut does."""
        if self._daemon is not None:
            if self.random.random() < 0.5:
                self._daemon.kill()
            else:
                self._daemon.stop()
        self.close()

    # What happens.

    def step(self) -> None:
        """One thing happens; then all is looked at."""
        chances: list[tuple[int, Any]] = [
            (6, self.append),
            (3, self.rewrite),
            (2, self.cut),
            (2, self.delete),
            (2, self.rename),
            (3, self.kill_amid_writing),
            (2, self.lose_index),
            (1, self.damage_index),
            (1, self.bump_parsers),
            (1, self.rebuild),
            (1, self.compact),
            (3, self.forget),
            (1, self.unforget),
            (2 if self.small_disk else 0, self.fill_disk),
        ]
        weights, steps = zip(*chances, strict=True)
        chosen = self.random.choices(steps, weights)[0]
        if len(self.chats) < 3:
            self.begin()
        self.trail.append(chosen.__name__)
        chosen()
        self.check()

    def begin(self) -> None:
        agent = self.random.choice(["claude-code", "claude-code", "codex", "gemini"])
        number = len(self.chats) + len(self.forgotten) + 1
        chat = Chat(agent, number * 0x01234567 % 0xFFFFFFFF, self.home.path)
        self._say(chat, 3)
        self.chats.append(chat)
        self._write(chat)

    def append(self) -> None:
        chat = self._one()
        self._say(chat, self.random.randint(1, 4))
        self._write(chat)

    def rewrite(self) -> None:
        """One message is another one now, amid the file."""
        chat = self._one()
        at = self.random.randrange(len(chat.lines))
        self._say(chat, 1)
        chat.lines[at] = chat.lines.pop()
        self._write(chat)

    def cut(self) -> None:
        chat = self._one()
        del chat.lines[max(1, len(chat.lines) - 2) :]
        self._write(chat)

    def delete(self) -> None:
        """Its agent deletes a file. Of one that was never acknowledged nothing is promised."""
        chat = self._one()
        chat.path.unlink(missing_ok=True)
        if all(name != chat.name for name, _ in self.kept):
            self.chats.remove(chat)

    def rename(self) -> None:
        """A project's folder is another one now."""
        chat = self._one()
        if chat.agent != "claude-code" or not chat.path.exists():
            return
        target = chat.path.parent.with_name(f"-w-p{self.random.randint(0, 3)}") / chat.path.name
        if target != chat.path:
            target.parent.mkdir(exist_ok=True)
            chat.path.rename(target)
            chat.path = target

    def kill_amid_writing(self) -> None:
        """Agents write while the daemon is killed."""
        daemon = self.daemon
        for _ in range(self.random.randint(1, 6)):
            self.append()
            threading.Event().wait(self.random.random() * 0.03)
        daemon.kill()
        self.close()

    def lose_index(self) -> None:
        self.stop()
        for path in self.home.paths.data_dir.glob("index.db*"):
            path.unlink()

    def damage_index(self) -> None:
        self.stop()
        if self.home.paths.index_db.exists():
            with self.home.paths.index_db.open("rb+") as file:
                file.write(os.urandom(100))

    def bump_parsers(self) -> None:
        """All was read by older parsers."""
        self.stop()
        if self.home.paths.index_db.exists():
            db = apsw.Connection(str(self.home.paths.index_db))
            db.execute("UPDATE source SET parser_version = parser_version - 1")
            db.close()

    def rebuild(self) -> None:
        with self.daemon.client() as client:
            client.job("index.rebuild", wait=True)

    def compact(self) -> None:
        with self.daemon.client() as client:
            client.job("archive.compact")

    def forget(self) -> None:
        """A person forgets a session that was read."""
        self.daemon.index()
        chat = self._one()
        self.daemon.call("archive.forget", ref=f"{chat.agent}:{chat.id}")
        self.chats.remove(chat)
        self.forgotten[chat.name] = chat
        for key in [key for key in self.kept if key[0] == chat.name]:
            del self.kept[key]
        if self.random.random() < 0.5:  # its agent goes on all the same
            self._say(chat, 1)
            self._write(chat)

    def unforget(self) -> None:
        there = [chat for chat in self.forgotten.values() if chat.path.exists()]
        if there:
            chat = self.random.choice(there)
            self.daemon.call("archive.forget", ref=chat.id, undo=True)
            del self.forgotten[chat.name]
            chat.words = {line.split()[0] for line in chat.lines}
            self.chats.append(chat)

    def fill_disk(self) -> None:
        """No room, or nearly none, while agents write; then there is some again."""
        ballast = self.home.paths.data_dir / "ballast"
        full = self.random.random() < 0.5
        with ballast.open("wb") as file, contextlib.suppress(OSError):
            for _ in range(1 << 20 if full else 60):
                file.write(bytes(BALLAST))
        self.append()
        with contextlib.suppress(Exception):
            self.daemon.index()
        if self.random.random() < 0.5:
            self.stop()
        ballast.unlink()

    # What holds.

    def check(self) -> None:
        """Fails unless all that was acknowledged is there, and nothing that is forgotten is."""
        daemon = self.daemon
        daemon.index()
        for chat in self.chats:
            if chat.path.exists():
                states = self.kept.setdefault((chat.name, chat.path), [])
                states.append(chat.path.read_bytes())
        eventually(lambda: not daemon.call("archive.forgotten")["erasing"])
        self._check_archive()
        self._check_index(daemon)
        self._check_forgotten()

    def _check_archive(self) -> None:
        for (name, path), states in self.kept.items():
            agent = name.partition("/")[0]
            file = archive.file_for(self.home.paths.archive_dir, agent, str(path))
            assert archive.verify(file) == []
            held = list(generations(file))
            assert held[-1] == states[-1], f"{name}: the newest state is another one"
            for state in states:
                found = any(one.startswith(state) for one in held)
                assert found, f"{name}: a state of {len(state)} bytes is gone"

    def _check_index(self, daemon: Daemon) -> None:
        listed = daemon.call("sessions.list", all=True, limit=500)["sessions"]
        names = {f"{row['tool']}/{row['id']}" for row in listed}
        for chat in self.chats:
            assert chat.name in names, f"{chat.name} is in no list"
            said = [line.split()[0] for line in chat.lines]
            for word, places in hits(self.home.paths.index_db, said).items():
                own = [at for at, seq in places if at.startswith(chat.name) and seq]
                assert len(own) == len(set(places) & {(at, seq) for at, seq in places if seq})
                assert own, f"{word} of {chat.name} is not found"
        assert not names & set(self.forgotten), "a forgotten session is in a list"

    def _check_forgotten(self) -> None:
        words = {word for chat in self.forgotten.values() for word in chat.words}
        if not words:
            return
        gone = set(self.forgotten)
        found = hits(self.home.paths.index_db, sorted(words))
        assert not any(found.values()), "a forgotten word is found"
        for name, data in our_bytes(self.home):
            held = [word for word in words if word.encode() in data]
            assert not held, f"{name} holds {held[:3]} of {sorted(gone)}"

    # Agents.

    def _one(self) -> Chat:
        return self.random.choice(self.chats)

    def _say(self, chat: Chat, count: int) -> None:
        for _ in range(count):
            self._words += 1
            chat.say(f"zwq{self._words:05}", self.random)

    def _write(self, chat: Chat) -> None:
        """As agents do: on from the end where it goes on, else anew, in one step or in place."""
        data = chat.data()
        chat.path.parent.mkdir(parents=True, exist_ok=True)
        before = chat.path.read_bytes() if chat.path.exists() else b""
        if before and data.startswith(before):
            with chat.path.open("ab") as out:
                out.write(data[len(before) :])
        elif self.random.random() < 0.5:
            temporary = chat.path.with_suffix(".tmp")
            temporary.write_bytes(data)
            temporary.replace(chat.path)
        else:
            chat.path.write_bytes(data)


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
