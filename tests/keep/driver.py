"""The model of what is to be kept, and a driver that does to a real daemon what happens to one.

After each step: the bytes of every state of a file that was acknowledged (all found was read) are
in the archive, its words are found, in the session they were said in; and of what is forgotten no
byte is anywhere in our files, whatever became of the index meanwhile.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import random
from pathlib import Path

from tests.helpers.daemon import Daemon, Home, running
from tests.keep.agents import Chat
from tests.keep.databases import RowChat, Shelf

QUICK = "[daemon]\nrealtime_debounce_ms = 5\ndebounce_secs = 0.05\n"
AGENTS = ("claude-code", "claude-code", "codex", "gemini", "goose")

Kept = dict[tuple[str, Path], list[bytes]]
"""The states of a file that were acknowledged, by session and path."""


class Backup:
    """A backup's file, and what the model knew when it was made."""

    def __init__(self, driver: Driver, path: Path) -> None:
        self.path = path
        self.lines = {chat.name: list(chat.lines) for chat in driver.chats}
        self.kept = copy.deepcopy(driver.kept)


class Driver:
    """A home with agents and a daemon, driven by a seed. `small_disk` says that our files lie on a
    disk that can be filled.

    `pruned` are sessions that were taken away by age, `noted` those with a star and a note, `away`
    the folders of agents that vanished, each with where it is meanwhile, `logs` the states of
    databases' archives.
    """

    def __init__(self, home: Home, seed: int, *, small_disk: bool = False) -> None:
        self.home = home
        self.random = random.Random(seed)
        self.small_disk = small_disk
        self.shelf = Shelf(home.path)
        self.chats: list[Chat] = []
        self.forgotten: dict[str, Chat] = {}
        self.pruned: dict[str, Chat] = {}
        self.noted: dict[str, str] = {}
        self.kept: Kept = {}
        self.logs: dict[Path, list[bytes]] = {}
        self.away: dict[Path, Path] = {}
        self.backup: Backup | None = None
        self.trail: list[str] = []
        self._numbers = 0
        self._words = 0
        self._ending = contextlib.ExitStack()
        self._daemon: Daemon | None = None
        home.configure(QUICK)

    # The daemon.

    @property
    def daemon(self) -> Daemon:
        """A daemon that runs; started where none does."""
        if self._daemon is None:
            self._daemon = self._ending.enter_context(running(self.home))
        return self._daemon

    def close(self) -> None:
        """Nothing runs any more."""
        self._daemon = None
        self._ending.close()
        self._ending = contextlib.ExitStack()
        self.shelf.close()

    def stop(self) -> None:
        """In good order, or as a power cut does."""
        if self._daemon is not None:
            if self.random.random() < 0.5:
                self._daemon.kill()
            else:
                self._daemon.stop()
        self._daemon = None
        self._ending.close()
        self._ending = contextlib.ExitStack()

    def kill(self) -> None:
        """As a power cut does."""
        if self._daemon is not None:
            self._daemon.kill()
        self.stop()

    # Agents.

    def begin(self, agent: str = "") -> None:
        """A new session."""
        agent = agent or self.random.choice(AGENTS)
        self._numbers += 1
        number = self._numbers * 0x01234567 % 0xFFFFFFFF
        home = self.home.path
        chat = (
            RowChat(self._numbers, home, self.shelf)
            if agent == "goose"
            else Chat(agent, number, home)
        )
        if chat.root not in self.away:
            self.say(chat, 3)
            self.chats.append(chat)
            chat.write(self.random)

    def one(self) -> Chat | None:
        """Any session whose agent is there."""
        found = [chat for chat in self.chats if chat.root not in self.away]
        return self.random.choice(found) if found else None

    def say(self, chat: Chat, count: int) -> None:
        """So many more messages, not written yet."""
        for _ in range(count):
            chat.say(self.word(), self.random)

    def word(self) -> str:
        """A word that stands nowhere else, and shares no beginning with another: where terms are
        sorted, all of its end is written.
        """
        self._words += 1
        number = int.from_bytes(hashlib.sha256(b"%d" % self._words).digest()[:8], "big")
        return "".join(chr(ord("a") + number // 26**place % 26) for place in range(12))

    # What is promised.

    def no_promise(self, chat: Chat) -> None:
        """Of a session nothing is kept any more."""
        self.chats.remove(chat)
        self.noted.pop(chat.name, None)
        for key in [key for key in self.kept if key[0] == chat.name]:
            del self.kept[key]

    def took(self, chat: Chat) -> None:
        """A session is taken in again, as it is now."""
        chat.words = set(chat.said)
        chat.acknowledged = False
        self.chats.append(chat)
