"""One launch of Aider as a session: what was said, edited, committed, spent."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import Any

from opensession.core.hail import Attributes, text
from opensession.parsers import diffs
from opensession.parsers.timeline import ID_CHARACTERS, PATH_CHARACTERS, State, Timeline

NAME = "aider"
DIFFS_CHARACTERS = 256 << 10
"""All diffs of one answer that wait for being applied."""

_TOKENS = re.compile(
    r"Tokens: (?P<sent>[\d.,]+[kM]?) sent"
    r"(?:, (?P<write>[\d.,]+[kM]?) cache write)?(?:, (?P<hit>[\d.,]+[kM]?) cache hit)?"
    r", (?P<received>[\d.,]+[kM]?) received\."
    r"(?: Cost: \$(?P<cost>[\d.,]+) message)?"
)
_MODEL = re.compile(r"(?:Main model|Model): (\S+)(?: with .*)?\Z")
_VERSION = re.compile(r"Aider v(\S+)\Z")
_APPLIED = re.compile(r"Applied edit to (.+)\Z")
_COMMIT = re.compile(r"Commit ([0-9a-f]{7,40}) (.*)\Z", re.DOTALL)
_RUNNING = re.compile(r"Running (.+)\Z")
_ERROR = re.compile(r"(?:litellm\.\w+|\w*(?:Error|Exception)): |The LLM did not conform to")
_INTERRUPTED = re.compile(r"\^C again to exit|Interrupted by user|KeyboardInterrupt")
_THINKING = re.compile(
    r"<(thinking-content-[0-9a-f]+)>\n(.*?)\n</\1>|"
    r"► \*\*THINKING\*\*\n(.*?)\n► \*\*ANSWER\*\*",
    re.DOTALL,
)
_REPLACED = re.compile(
    r"(?:^|\n)(?P<path>[^\n]{1,4096})\n(?P<fence>`{3,})[^\n]*\n"
    r"<{5,9} SEARCH\n(?P<old>.*?)={5,9}\n(?P<new>.*?)>{5,9} REPLACE",
    re.DOTALL,
)


class Launch:
    """Collects the events of one launch. Its id is known with its first prompt; nothing of it is a
    session before.
    """

    def __init__(self, state: State) -> None:
        self.line = Timeline(NAME, state)
        self.own: dict[str, Any] = state.own

    def begin(self, header: str, folder: str) -> None:
        """The launch's first line; `folder` is the project's."""
        state = self.line.state
        self.own["header"] = header
        state.cwd = folder
        state.time_us = local_time(header[-19:]) or 0
        state.attributes = {"time.zone_assumed": True} if state.time_us else {}

    def prompt(self, words: str) -> None:
        """What the user typed; with the first one the session has its id."""
        state = self.line.state
        if not state.id:
            state.id = self._new_id(words)
            self._at("launch")
            preamble = self.own.pop("preamble", "")
            if preamble:
                self.line.emit("SystemMessage", None, blocks=[text(preamble)])
        self._at("prompt", words)
        self.line.prompt(None, [text(words)])

    def answer(self, words: str) -> None:
        """What the model said, its thoughts apart."""
        position = 0
        for found in _THINKING.finditer(words):
            self._said("AgentMessage", words[position : found.start()])
            self._said("Thinking", found[2] or found[3] or "")
            position = found.end()
        self._said("AgentMessage", words[position:])
        self._keep_edits(words)

    def console(self, words: str) -> None:
        """What Aider itself printed; before the first prompt it tells of the launch."""
        state = self.line.state
        if found := _MODEL.match(words):
            state.model = found[1][:ID_CHARACTERS]
        elif found := _VERSION.match(words):
            state.tool_version = found[1][:ID_CHARACTERS]
        if not state.id:
            preamble = self.own.get("preamble", "")
            if len(preamble) < PATH_CHARACTERS:
                self.own["preamble"] = f"{preamble}\n{words}".strip()
            return
        self._at("console", words)
        if found := _TOKENS.match(words):
            self._spent(found)
        elif found := _APPLIED.match(words):
            self._edited(found[1].strip())
        elif found := _COMMIT.match(words):
            self._marked("git_commit", found[2], {"git.commit": found[1]})
            state.commit = found[1]
        elif found := _RUNNING.match(words):
            self.line.emit(
                "ShellCommand",
                None,
                data={"command": found[1]},
                attributes={"semantic.tool_kind": "shell", "tool_use_name": "run"},
            )
        elif _ERROR.search(words):
            self._marked("error", words)
        elif _INTERRUPTED.match(words):
            self._marked("interrupted", words)
        else:
            self.line.emit("SystemMessage", None, blocks=[text(words)])

    def _at(self, raw_type: str, words: str = "") -> None:
        """Only the launch has a time: all that follows is estimated by it."""
        first = self.line.state.count == 0
        known = self.line.state.time_us if first else None
        self.line.at(known, raw_type, words.encode("utf-8", "replace"))

    def _new_id(self, words: str) -> str:
        """DECISIONS §2: a hash of the first line and the first prompt."""
        digest = hashlib.sha256((self.own["header"] + words).encode("utf-8", "replace"))
        made = f"{NAME}-{digest.hexdigest()[:20]}"
        recent: dict[str, int] = self.own.setdefault("launches", {})
        recent[made] = recent.pop(made, 0) + 1
        if len(recent) > 64:
            del recent[next(iter(recent))]
        return made if recent[made] == 1 else f"{made}.{recent[made]}"

    def _said(self, event_type: str, words: str) -> None:
        words = words.strip("\n")
        if words.strip():
            self._at("answer", words)
            self.line.emit(event_type, None, blocks=[text(words)])

    def _marked(self, kind: str, words: str, attributes: Attributes | None = None) -> None:
        data = {"kind": kind}
        self.line.emit("Custom", None, data=data, blocks=[text(words)], attributes=attributes)

    def _spent(self, found: re.Match[str]) -> None:
        """Tokens are told in rounded numbers, and cached ones are part of those sent."""
        sent, write = count_of(found["sent"]), count_of(found["write"])
        hit, cost = count_of(found["hit"]), found["cost"]
        self._marked("token_count", found[0], {"tokens.rounded": True})
        self.line.usage(
            self.line.events[-1].event_id,
            input=sent - write - hit,
            output=count_of(found["received"]),
            cache_read=hit,
            cache_write=write,
            cost_microdollars=_micro(cost) if cost else None,
        )

    def _edited(self, path: str) -> None:
        waiting: dict[str, str] = self.own.get("edits", {})
        data: dict[str, Any] = {"path": path[:PATH_CHARACTERS]}
        if diff := waiting.pop(path, ""):
            data["diff"] = diff
        self.line.emit(
            "FileEdit",
            None,
            data=data,
            attributes={"semantic.tool_kind": "file_write", "tool_use_name": "edit"},
        )

    def _keep_edits(self, words: str) -> None:
        """The SEARCH/REPLACE blocks of an answer, until Aider says that it applied them."""
        waiting: dict[str, list[tuple[str, str]]] = {}
        for found in _REPLACED.finditer(words):
            waiting.setdefault(found["path"].strip(" `*#"), []).append((found["old"], found["new"]))
        made: dict[str, str] = {}
        room = DIFFS_CHARACTERS
        for path, pairs in waiting.items():
            parts = [diffs.from_texts(path, old, new) for old, new in pairs]
            hunks = [part.split("\n", 2)[2] for part in parts if part]
            diff = diffs.with_header(path, "\n".join(hunks)) if hunks else ""
            if diff and len(diff) <= room:
                made[path] = diff
                room -= len(diff)
        if made:
            self.own["edits"] = made


def local_time(words: str) -> int | None:
    """Microseconds UTC of `YYYY-MM-DD HH:MM:SS` in the machine's zone, or None."""
    try:
        naive = dt.datetime.strptime(words.replace("T", " "), "%Y-%m-%d %H:%M:%S")
        return int(naive.astimezone().timestamp()) * 1_000_000
    except (ValueError, OverflowError, OSError):
        return None


def count_of(words: str | None) -> int:
    """A number as Aider rounds it: `125`, `2.5k`, `1.2M`; 0 for none."""
    if not words:
        return 0
    scale = {"k": 1000, "M": 1_000_000}.get(words[-1], 1)
    try:
        return round(float(words.rstrip("kM").replace(",", "")) * scale)
    except (ValueError, OverflowError):
        return 0


def _micro(cost: str) -> int | None:
    try:
        return round(float(cost.replace(",", "")) * 1_000_000)
    except (ValueError, OverflowError):
        return None
