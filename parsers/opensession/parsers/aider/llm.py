"""From the log of calls of the model to a session, where the chat's own history is missing.

    TO LLM 2025-01-31T11:21:36
    -------
    USER what the call begins with
    -------
    USER the prompt
    LLM RESPONSE 2025-01-31T11:21:41
    ASSISTANT the answer

Every call repeats what was said before; new in it is the last text of the user. One file is one
session: it does not tell where a launch began.
"""

from __future__ import annotations

import hashlib
import posixpath
import re

from opensession.core.hail import text
from opensession.parsers.agent import Source
from opensession.parsers.aider.launch import NAME, local_time
from opensession.parsers.jsonl import Fed, Line
from opensession.parsers.timeline import Timeline, dump, load

BLOCK_CHARACTERS = 1 << 20

_MARK = re.compile(r"(TO LLM|LLM RESPONSE) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\Z")
_SAID = re.compile(r"(SYSTEM|USER|ASSISTANT)(?: (.*))?\Z", re.DOTALL)
_RULES = "\n# *SEARCH/REPLACE block* Rules"
"""What Aider adds to a prompt begins with this."""

_CONTEXT = (
    "I have *added these files to the chat*",
    "I am working with you on code in a git repository",
    "Here are summaries of some files",
    "I switched to a new code base",
    "Ok, any changes I propose",
    "Reply in ",
)


def feed(source: Source, state: bytes, lines: list[Line]) -> Fed:
    """The feed of `jsonl.read_lines` for logs of calls."""
    log = Timeline(NAME, load(state))
    own = log.state.own
    log.state.cwd = posixpath.dirname(source.path)
    for line in lines:
        if line.oversized:
            log.skip("oversized")
            continue
        words = line.data.decode("utf-8", "replace")
        if mark := _MARK.match(words):
            _close(log)
            own.setdefault("first", words)
            own["mark"], own["time"] = mark[1], mark[2]
        elif words == "-------":
            if own.get("mark") == "TO LLM":
                own.pop("block", None)  # what came before in this call was said before
        elif said := _SAID.match(words):
            _grow(log, said[1], said[2] or "")
        elif "mark" in own:
            log.skip("no line of a call")
        else:
            log.skip("before the first call")
    after = dump(log.state)
    if log.state.id:  # a first prompt makes the id: it has to be whole
        _close(log)  # what is open is told as it stands, and again when it has grown
    sessions = [log.delta()] if log.state.id else []
    return Fed(sessions=sessions, state=after, skipped=log.skipped)


def _grow(log: Timeline, who: str, words: str) -> None:
    """One more line of who speaks; the text before it of another is not the last one."""
    own = log.state.own
    if own.get("who") != who:
        own["who"] = who
        own.pop("block", None)
    block = own.setdefault("block", [])
    if own.get("size", 0) < BLOCK_CHARACTERS or not block:
        own["size"] = (own["size"] if block else 0) + len(words) + 1
        block.append(words)


def _close(log: Timeline) -> None:
    """What the last mark began is whole."""
    own = log.state.own
    mark, who = own.pop("mark", ""), own.pop("who", "")
    block = "\n".join(own.pop("block", []))[:BLOCK_CHARACTERS]
    if not block.strip():
        return
    log.at(local_time(own["time"]), mark, block.encode("utf-8", "replace"))
    attributes = {"time.zone_assumed": True}
    if mark == "LLM RESPONSE" and who == "ASSISTANT" and log.state.id:
        log.emit("AgentMessage", None, blocks=[text(block)], attributes=attributes)
    elif mark == "TO LLM" and who == "USER":
        if not log.state.id:
            digest = hashlib.sha256((own["first"] + block).encode("utf-8", "replace"))
            log.state.id = f"{NAME}-{digest.hexdigest()[:20]}"
        if block.startswith(_CONTEXT):
            log.emit("SystemMessage", None, blocks=[text(block)], attributes=attributes)
        else:
            log.prompt(None, [text(block.partition(_RULES)[0])], attributes=attributes)
