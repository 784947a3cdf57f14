"""What telling a task goes along with: its timeline, and what waits for an answer."""

from __future__ import annotations

import re

import msgspec

from opensession.core.hail import Attributes, Block, text
from opensession.parsers.actions import Action
from opensession.parsers.timeline import Timeline

_CWD = re.compile(
    r"^# (?:\[\w+\] )?Current (?:Working|Workspace) Directory \(([^\n]{1,4096}?)\) Files",
    re.MULTILINE,
)
_MODEL = re.compile(r"<model>([^<>\n]{1,256})</model>")
_MODE = re.compile(r"<slug>([\w-]{1,64})</slug>")
_COMMIT = re.compile(r'"latestGitCommitHash":\s*"([0-9a-f]{7,64})"')
_REMOTE = re.compile(r'"associatedRemoteUrls":\s*\[\s*"(?:\w{1,64}: )?([^"\s]{1,1024})"')


class Telling(msgspec.Struct):
    """One telling of one task.

    `tagged` are the calls made by tags whose results have not come, oldest first; `children` the
    subtasks that have not been told; `spoken` the last words of the agent; `output` what a command
    printed so far. `requested` says that something was sent to a model.
    """

    line: Timeline
    tagged: list[tuple[str, str]] = []
    children: list[str] = []
    speeches: set[str] = set()
    spoken: str = ""
    requested: bool = False
    output: list[str] = []
    output_of: str = ""

    def say(self, native: str, words: str, about: Attributes, n: int) -> int:
        """What the agent said, if it did; how many events."""
        if not words.strip():
            return 0
        self.spoken = words.strip()
        self.line.emit("AgentMessage", native, blocks=[text(words)], attributes={**about}, n=n)
        return 1

    def context(self, native: str, words: str, n: int) -> int:
        """What the program added to a prompt; how many events."""
        if not words.strip():
            return 0
        self.line.emit("SystemMessage", native, blocks=[text(words.strip())], n=n)
        return 1

    def call(self, native: str, call_id: str, made: Action, about: Attributes, n: int) -> int:
        """A call; how many events."""
        self.line.call(native, call_id, made, attributes={**about}, n=n)
        return 1 + len(made.more)

    def result(
        self,
        native: str,
        call_id: str,
        name: str,
        blocks: list[Block],
        *,
        is_error: bool = False,
        exit_code: int | None = None,
        attributes: Attributes | None = None,
        n: int = 0,
    ) -> int:
        """A result; that of a subtask names the next one. How many events."""
        opened = self.line.state.open.get(call_id)
        name = opened.name if opened is not None else name
        child = self.children.pop(0) if name == "new_task" and self.children else ""
        before = self.line.state.count
        self.line.result(
            native,
            call_id,
            blocks,
            name=name,
            is_error=is_error,
            exit_code=exit_code,
            subagent_id=child,
            attributes=attributes,
            n=n,
        )
        return self.line.state.count - before

    def environment(self, words: str) -> None:
        """What `<environment_details>` say of the task as a whole."""
        state = self.line.state
        found = _CWD.search(words)
        if found is not None:
            state.cwd = state.cwd or found[1]
            state.last_cwd = found[1]
        for pattern, field in ((_MODEL, "model"), (_COMMIT, "commit"), (_REMOTE, "remote")):
            found = pattern.search(words)
            if found is not None and (field == "model" or not getattr(state, field)):
                setattr(state, field, found[1].strip())
        found = _MODE.search(words)
        if found is not None:
            state.attributes["mode"] = found[1]

    def waiting(self, made: Action) -> str:
        """The id of an open call that does what `made` does; empty if there is none."""
        for call_id, call in reversed(self.line.state.open.items()):
            path = str(made.data.get("path", ""))
            same = call.kind == made.kind and (call.path == path or not path or not call.path)
            if same and (call.kind != "other" or call.name == made.name):
                return call_id
        return ""


def fresh(line: Timeline, children: list[str]) -> Telling:
    """The beginning of a telling."""
    return Telling(line, tagged=[], children=children, speeches=set(), output=[])


def custom(
    line: Timeline, kind: str, native: str, words: str, about: Attributes | None = None
) -> None:
    """A note that the program made."""
    blocks = [text(words)] if words.strip() else []
    line.emit("Custom", native, data={"kind": kind}, blocks=blocks, attributes=about)
