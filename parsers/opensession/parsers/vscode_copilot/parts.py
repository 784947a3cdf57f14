"""The parts of a response, in their order, as events.

Words come in pieces that belong together: Markdown, and references to files between them. They are
one message up to the next thought, call or edit.
"""

from __future__ import annotations

from collections.abc import Callable

from opensession.core.hail import Attributes, Block, json_block, text
from opensession.parsers.copilot.fields import Object, obj, objects, string
from opensession.parsers.timeline import Timeline
from opensession.parsers.vscode_copilot import edits
from opensession.parsers.vscode_copilot.calls import Calls, is_call
from opensession.parsers.vscode_copilot.results import words
from opensession.parsers.vscode_copilot.uris import path_of

_MARKDOWN = frozenset(("", "markdownContent", "markdownVuln"))
_NOTICES = frozenset(("warning", "info", "systemNotification"))
_SILENT = frozenset(
    (
        "autoModeResolution",
        "clearToPreviousToolInvocation",
        "codeCitation",
        "codeblockUri",
        "command",
        "disabledClaudeHooks",
        "externalEdits",
        "extensions",
        "mcpAuthenticationRequired",
        "mcpServersStarting",
        "move",
        "multiDiffData",
        "prepareToolInvocation",
        "progressMessage",
        "progressTask",
        "progressTaskResult",
        "progressTaskSerialized",
        "pullRequest",
        "reference",
        "toolInvocationUpdate",
        "treeData",
        "undoStop",
        "usage",
        "usedContext",
        "voiceProgress",
    )
)


class Telling:
    """One response as it is told: which timeline a part is of, and the words not yet told."""

    def __init__(self, line: Timeline, native: str, calls: Calls, shared: Attributes) -> None:
        self.line = line
        self.native = native
        self.n = 0
        self.subagents: dict[str, Timeline] = {}
        self._calls = calls
        self._shared = shared
        self._words: list[str] = []
        self._edits = False
        self._written: set[tuple[str, str]] = set()

    def tell(self, parts: list[Object], subagent: Callable[[str], Timeline]) -> None:
        """Adds the events of all parts. `subagent` begins the timeline of one, by its call."""
        self._edits = any(part.get("kind") in edits.KINDS for part in parts if _kind(part))
        for part in parts:
            key = string(part, "subAgentInvocationId", 256)
            kind = _kind(part)
            if kind is None:
                self.line.skip("malformed")
                continue
            if not key:
                self._part(part, kind)
                continue
            if key not in self.subagents:
                self.subagents[key] = subagent(key)
            outer, self.line = self.line, self.subagents[key]
            waiting, self._words = self._words, []
            self._part(part, kind)
            self._flush()
            self.line, self._words = outer, waiting
        self._flush()
        self.n += self._calls.rest(self.line, self.native, self.n)

    def _part(self, part: Object, kind: str) -> None:
        if kind in _MARKDOWN:
            self._words.append(_markdown(part))
            return
        if kind == "inlineReference":
            self._words.append(_reference(part))
            return
        if kind in _SILENT:
            return
        self._flush()
        self.line.at(None, f"response/{kind}")
        if kind == "thinking":
            value = part.get("value")
            pieces = value if isinstance(value, list) else [value]
            said = "".join(piece for piece in pieces if isinstance(piece, str)).strip()
            if said:
                self._emit("Thinking", [text(said)])
        elif is_call(part):
            if self._edits:
                place = string(part, "subAgentInvocationId")
                self._written |= {(place, path) for path in self._calls.writes(part) if path}
            self.n += self._calls.tell(self.line, part, self.native, self.n)
        elif kind in edits.KINDS:
            self._edit(part)
        elif kind in _NOTICES:
            if said := words(part.get("content")):
                self._emit("SystemMessage", [text(said)], {"notice": kind})
        elif kind == "hook":
            said = words(part.get("stopReason")) or words(part.get("systemMessage"))
            if said:
                name = string(part, "hookType", 256)
                self._emit("SystemMessage", [text(f"Hook {name}:\n{said}")])
        elif kind in ("confirmation", "elicitationSerialized", "elicitation"):
            said = "\n".join(filter(None, (words(part.get("title")), words(part.get("message")))))
            blocks: list[Block] = [text(said)] if said else []
            if answer := part.get("acceptedResult"):
                blocks.append(json_block(answer))
            self._emit("Custom", blocks, {}, kind=kind.removesuffix("Serialized"))
        elif kind == "questionCarousel":
            asked = [words(each.get("title")) for each in objects(part, "questions")]
            blocks = [text("\n".join(filter(None, asked)))]
            if answers := obj(part, "data"):
                blocks.append(json_block(answers))
            self._emit("Custom", blocks, {}, kind="questions")
        else:
            self.line.unknown(f"response/{kind}", part)

    def _edit(self, part: Object) -> None:
        """An edit, unless a call that was told already wrote to that file."""
        place = string(part, "subAgentInvocationId")
        for edit in edits.of_part(part):
            if (place, edit.path) in self._written:
                continue
            call_id = f"{self.native}:edit:{self.n}"
            self.line.call(
                self.native, call_id, edit.action, attributes=dict(self._shared), n=self.n
            )
            if part.get("done") is not False:
                self.line.result(self.native, call_id, [], n=self.n + 1)
            self.n += 2

    def _flush(self) -> None:
        """Tells the words that were collected."""
        said = "".join(self._words).strip()
        self._words = []
        if said:
            self.line.at(None, "response/markdown")
            self._emit("AgentMessage", [text(said)])

    def _emit(
        self,
        event_type: str,
        blocks: list[Block],
        attributes: Attributes | None = None,
        *,
        kind: str = "",
    ) -> None:
        own = dict(self._shared) if attributes is None else attributes
        data = {"kind": kind} if kind else None
        self.line.emit(event_type, self.native, data=data, blocks=blocks, attributes=own, n=self.n)
        self.n += 1


def _kind(part: Object) -> str | None:
    """The kind of a part, empty for Markdown; None for what is none."""
    kind = part.get("kind", "")
    return kind if isinstance(kind, str) else "" if kind is None else None


def _markdown(part: Object) -> str:
    """A piece of Markdown: the part is it, or holds it as `content`, in text or an object."""
    for value in (part.get("value"), part.get("content")):
        if isinstance(value, dict):
            value = value.get("value")
        if isinstance(value, str):
            return value
    return ""


def _reference(part: Object) -> str:
    """A reference to a file or a symbol within a sentence."""
    target = part.get("inlineReference")
    name = string(part, "name", 1024)
    if isinstance(target, dict):
        name = name or string(target, "name", 1024)
        path = path_of(target) or path_of(obj(target, "location"))
        name = name or path.rpartition("/")[2]
    return f"`{name}`" if name else ""
