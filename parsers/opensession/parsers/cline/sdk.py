"""Cline's sessions since its SDK (CLI 3, VS Code extension 4).

~/.cline/data/sessions/1795218623545_ll8ky/1795218623545_ll8ky.messages.json            the session
~/.cline/data/sessions/1795218623545_ll8ky/1795218623545_ll8ky.json                     its manifest
~/.cline/data/sessions/1795218623545_ll8ky/agent_1795218625745_f7lkgh.messages.json     a subagent
~/.cline/data/sessions/1795218623545_ll8ky/reviewer__nxK2Ay.messages.json               a team task

A messages file is rewritten whole, in place, after every step; its messages have ids and times.
Not read: `db/sessions.db`, an index of the same manifests; of subagents it has rows where there is
no manifest, but their messages name themselves, their parent and their model, and their folder's
manifest has the rest. `<id>.compaction.json`, the shortened history that goes to the model: the
messages file stays whole beside it, and it is overwritten by the next compaction, so an event made
of it would move about in what was already told. Where a summary does stand among the messages, it
is an event.

A task of the time before (`tasks.py`) that is resumed is copied here without its times, tokens and
truncated part, under its own id, with a warning to the model where it goes on. Where the old task
lies beside in the same data folder, its own files tell what was before the warning.
"""

from __future__ import annotations

import re
from typing import Any

from opensession.core.hail import Attributes, Block, text
from opensession.parsers.agent import Source
from opensession.parsers.cline import tasks
from opensession.parsers.cline.sdk_tools import Outcome, actions_of, outcomes_of
from opensession.parsers.cline.values import cost_of, count, image, micros, obj, response, words
from opensession.parsers.decoding import decode_any
from opensession.parsers.jsonl import Fed
from opensession.parsers.timeline import Timeline, dump, load
from opensession.parsers.times import parse_stamp
from opensession.parsers.whole import Record

NAME = "cline"
SUFFIX = ".messages.json"

RESUMED = "Warning: this is a legacy conversation, which means tool names may have changed."
_ENDED = frozenset(("completed", "failed", "cancelled"))
_INPUT = re.compile(r"<(user_input|user_command)\b([^<>]{0,512})>(.*?)(?:</\1>|\Z)", re.DOTALL)
_MODE = re.compile(r'mode="(\w{1,32})"')
_SLASH = re.compile(r'slash="([^"]{1,64})"')
_NOTICE = re.compile(
    r"<(mode_notice|environment_notice|environment_details)>(.*?)(?:</\1>|\Z)", re.DOTALL
)
_MILLISECONDS = re.compile(r"(1\d{12})(?:_|\Z)")


def feed(source: Source, state: bytes, records: list[Record]) -> Fed:
    """The session of a messages file, its manifest, and the old task it may go on from."""
    line = Timeline(NAME, load(state))
    ended = False
    messages: list[Record] = []
    old: list[Record] = []
    for record in records:
        if record.name == "messages" and record.item >= 0:
            messages.append(record)
        elif record.name in ("messages", "manifest"):
            value = _value(line, record)
            if record.name == "manifest":
                ended = _on_manifest(line, source, value)
            else:
                _on_head(line, source, value)
        else:
            old.append(record)
    if not line.state.id:
        _on_head(line, source, {})
    if not state:
        _begin(line)
        tasks.tell(line, old, original=True)
        if line.state.count:
            line.state.own["told"] = True  # the messages before the warning
    for record in messages:
        _on_message(line, record)
    return Fed([line.delta(ended=ended)], dump(line.state), line.skipped, line.unknown_counts)


def _value(line: Timeline, record: Record) -> dict[str, Any]:
    try:
        value = decode_any(record.data)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        line.skip("malformed")
        return {}
    return value


def _on_head(line: Timeline, source: Source, head: dict[str, Any]) -> None:
    """What a messages file says before its messages."""
    folder, name = source.path.rsplit("/", 2)[-2:]
    stem = name.removesuffix(SUFFIX)
    origin, state = obj(head, "origin"), line.state
    kind = words(head.get("agent")) or words(origin.get("mode"))
    child = stem != folder and kind != "lead"
    made = f"{folder}__teamtask__{stem}" if "__" in stem else f"{folder}__{stem}"
    state.id = words(head.get("sessionId")) or (made if child else folder)
    state.tool_version = words(origin.get("version"))[:64]
    if child or kind in ("subagent", "teammate"):
        state.auxiliary = True
        state.parent = words(origin.get("parentThreadId")) or folder
        state.attributes["agent.kind"] = kind[:64] or "subagent"
        state.attributes["agent.id"] = (words(origin.get("subagent")) or stem)[:256]


def _on_manifest(line: Timeline, source: Source, given: dict[str, Any]) -> bool:
    """The manifest, that of the parent for a subagent; whether the session has ended."""
    state, about = line.state, obj(given, "metadata")
    state.cwd = words(given.get("cwd")) or words(given.get("workspace_root"))
    state.branch = words(obj(about, "git").get("branch"))
    state.provider = state.provider or words(given.get("provider"))
    state.model = state.model or words(given.get("model"))
    origin = obj(about, "sessionHistoryOrigin")
    state.tool_version = state.tool_version or words(origin.get("version"))[:64]
    if line.state.auxiliary:
        return False
    state.title = words(about.get("title"))
    forked = words(obj(about, "fork").get("forkedFromSessionId"))
    if forked:
        state.related = [forked]
    for key in ("source", "status", "team_name"):
        if words(given.get(key)):
            state.attributes[f"cline.{key}"] = words(given[key])[:64]
    if given.get("exit_code") is not None:
        state.attributes["exit_code"] = count(given["exit_code"])
    started = parse_stamp(words(given.get("started_at")))
    if started is not None and not state.count and not state.time_us:
        state.time_us = started
    return given.get("status") in _ENDED and bool(words(given.get("ended_at")))


def _begin(line: Timeline) -> None:
    """Messages without a time before any with one: the id begins with the time it was made at."""
    found = _MILLISECONDS.match(line.state.id)
    if found is not None and not line.state.count:
        line.state.time_us = int(found[1]) * 1000


def _on_message(line: Timeline, record: Record) -> None:
    message = _value(line, record)
    if not message:
        return
    role, content = words(message.get("role")), message.get("content")
    native = words(message.get("id")) or f"m{record.item}"
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if role not in ("user", "assistant") or not isinstance(parts, list):
        if "told" not in line.state.own:
            line.at(micros(message.get("ts")), role or "message", record.data)
            line.unknown(f"role:{role[:64]}" if role else "message", message, native)
        return
    resumed = role == "user" and any(RESUMED in words(obj(part).get("text")) for part in parts)
    if "told" in line.state.own:
        if resumed:
            del line.state.own["told"]
        else:
            return
    line.at(micros(message.get("ts")), role, record.data)
    kind = words(obj(message, "metadata").get("kind"))
    if kind == "compaction_summary":
        about = obj(message, "metadata")
        line.at(micros(message.get("ts")) or micros(about.get("generatedAt")), kind, record.data)
        said = words(about.get("summary")) or _joined(parts)
        before = {"tokens_before": count(about.get("tokensBefore"))}
        data = {"kind": "context_compacted"}
        line.emit("Custom", native, data=data, blocks=[text(said)], attributes={**before})
    elif role == "assistant":
        _on_response(line, native, message, parts)
    else:
        _on_user(line, native, parts, injected=resumed or bool(kind))


def _joined(parts: list[Any]) -> str:
    return "\n".join(words(obj(part).get("text")) for part in parts).strip()


def _on_response(line: Timeline, native: str, message: dict[str, Any], parts: list[Any]) -> None:
    state, metrics = line.state, obj(message, "metrics")
    model = words(obj(message, "modelInfo").get("id"))
    state.model = model or state.model
    state.provider = words(obj(message, "modelInfo").get("provider")) or state.provider
    # Recorded input holds what was read from the cache and written to it (1200 with 800 read).
    read, written = count(metrics.get("cacheReadTokens")), count(metrics.get("cacheWriteTokens"))
    fresh = max(0, count(metrics.get("inputTokens")) - read - written)
    output = count(metrics.get("outputTokens"))
    about = response(native, model, fresh, output, read, written)
    n = 0
    for part in parts:
        given = obj(part)
        kind = words(given.get("type"))
        if kind in ("text", "thinking"):
            said = words(given.get(kind))
            if said.strip():
                event = "AgentMessage" if kind == "text" else "Thinking"
                line.emit(event, native, blocks=[text(said)], attributes={**about}, n=n)
                n += 1
        elif kind == "tool_use":
            name, call_id = words(given.get("name")), words(given.get("id"))
            for number, made in enumerate(actions_of(name, given.get("input"))):
                line.call(native, _part_id(call_id, number), made, attributes={**about}, n=n)
                n += 1 + len(made.more)
        elif kind == "image":
            blocks = [image(given.get("data"), given.get("mediaType"))]
            line.emit("AgentMessage", native, blocks=blocks, attributes={**about}, n=n)
            n += 1
        elif kind != "redacted_thinking":
            line.unknown(f"block:{kind[:64]}", part, f"{native}:{n}:block")
    line.usage(
        native,
        model=model,
        input=fresh,
        output=output,
        cache_read=read,
        cache_write=written,
        cost_microdollars=cost_of(metrics.get("cost")),
    )


def _on_user(line: Timeline, native: str, parts: list[Any], *, injected: bool) -> None:
    """What a person typed, with what was attached, and the results of tools, in their order."""
    typed: list[Block] = []
    about: Attributes = {}
    n = 0
    for part in parts:
        given = obj(part)
        kind = words(given.get("type"))
        if kind == "tool_result":
            n += _on_result(line, native, given, n)
        elif kind == "text":
            said, notices = _typed(words(given.get("text")), about)
            if injected:
                said, notices = "", [words(given.get("text"))]
            for notice in notices:
                line.emit("SystemMessage", native, blocks=[text(notice)], n=n)
                n += 1
            if said:
                typed.append(text(said))
        elif kind == "image":
            typed.append(image(given.get("data"), given.get("mediaType")))
        elif kind == "file":
            content = words(given.get("content"))
            typed.append({"type": "File", "path": words(given.get("path")), "content": content})
        else:
            line.unknown(f"block:{kind[:64]}", part, f"{native}:{n}:block")
    if typed:
        line.prompt(native, typed, attributes=about, n=n)


def _typed(said: str, about: Attributes) -> tuple[str, list[str]]:
    """What a person typed of a text, and what was put around it that is not theirs."""
    notices = [found[2].strip() for found in _NOTICE.finditer(said)]
    said = _NOTICE.sub("", said)
    found = _INPUT.search(said)
    if found is not None:
        mode, slash = _MODE.search(found[2]), _SLASH.search(found[2])
        if mode is not None:
            about["mode"] = mode[1]
        inner = found[3].strip()
        if slash is not None:
            inner = f"/{slash[1]} {inner}".strip()
        said = said[: found.start()] + inner + said[found.end() :]
    return said.strip(), [notice for notice in notices if notice]


def _on_result(line: Timeline, native: str, given: dict[str, Any], n: int) -> int:
    """A result, one event for each action of its call; how many events."""
    call_id, name = words(given.get("tool_use_id")), words(given.get("name"))
    opened = line.state.open
    ids = [_part_id(call_id, 0)]
    while call_id and _part_id(call_id, len(ids)) in opened:
        ids.append(_part_id(call_id, len(ids)))
    calls = [opened.get(part) for part in ids]
    paths = [call.path if call is not None else "" for call in calls]
    if calls[0] is not None:
        name = calls[0].name
    found = outcomes_of(name, given.get("content"), given.get("is_error") is True, paths)
    if len(found) != len(ids):
        together = Outcome(
            [block for outcome in found for block in outcome.blocks],
            any(outcome.is_error for outcome in found),
            next((o.exit_code for o in reversed(found) if o.exit_code is not None), None),
            next((outcome.diff for outcome in found if outcome.diff), ""),
        )
        found = [together, *(Outcome([], together.is_error) for _ in ids[1:])]
    before = line.state.count
    for number, (part, outcome) in enumerate(zip(ids, found, strict=True)):
        line.result(
            native,
            part,
            outcome.blocks,
            name=name,
            is_error=outcome.is_error,
            exit_code=outcome.exit_code,
            diff=outcome.diff,
            n=n + number,
        )
    return line.state.count - before


def _part_id(call_id: str, number: int) -> str:
    """The id of the n-th action of a call, the call's own for the first."""
    return f"{call_id}:{number}" if number and call_id else call_id
