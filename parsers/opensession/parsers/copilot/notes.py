"""Records that are no messages: where and with what the session runs, and what happened to it."""

from __future__ import annotations

import re
from typing import Any

from opensession.core.hail import Attributes, Block, text
from opensession.parsers.copilot import usage
from opensession.parsers.copilot.book import Reading
from opensession.parsers.copilot.fields import Object, obj, string, whole
from opensession.parsers.timeline import ID_CHARACTERS, PATH_CHARACTERS, RELATED

_NAME_CHARACTERS = 256
_HOOK_TEXTS = (
    "message",
    "systemMessage",
    "additionalContext",
    "stopReason",
    "permissionDecisionReason",
    "reason",
    "error",
)
_NOTICE = re.compile(r"</?system_notification>")
_NAMED_COUNTS = {
    "preCompactionTokens": "compact.tokens_before",
    "postCompactionTokens": "compact.tokens_after",
    "preTruncationTokensInMessages": "compact.tokens_before",
    "postTruncationTokensInMessages": "compact.tokens_after",
    "messagesRemoved": "compact.messages_removed",
    "messagesRemovedDuringTruncation": "compact.messages_removed",
}


def on_start(reading: Reading, data: Object) -> None:
    """A record `session.start`: the version, the model, the folder."""
    state = reading.line.state
    state.tool_version = string(data, "copilotVersion", _NAME_CHARACTERS) or state.tool_version
    _related(reading, string(data, "sessionId"))
    spawner = string(data, "detachedFromSpawningParentSessionId", ID_CHARACTERS)
    if spawner and spawner != state.id:
        state.auxiliary, state.parent = True, spawner
    _settings(reading, data)


def on_resume(reading: Reading, data: Object) -> None:
    """A record `session.resume`: the session goes on, perhaps elsewhere."""
    _settings(reading, data)
    reading.line.emit("Custom", reading.native, data={"kind": "session_resumed"})


def on_context(reading: Reading, data: Object) -> None:
    """A record `session.context_changed`: another folder or branch."""
    _context(reading, data)


def on_model(reading: Reading, data: Object) -> None:
    """A record `session.model_change`."""
    state, model = reading.line.state, string(data, "newModel", _NAME_CHARACTERS)
    before = string(data, "previousModel", _NAME_CHARACTERS)
    if not model:
        return
    state.model = model
    attributes: Attributes = {"model": model}
    if before:
        attributes["previous_model"] = before
    for key, name in (("reasoningEffort", "reasoning_effort"), ("source", "origin")):
        if value := string(data, key, _NAME_CHARACTERS):
            attributes[name] = value
    if state.count:  # else it is what the session begins with
        _custom(reading, "model_changed", [], attributes)


def on_mode(reading: Reading, data: Object) -> None:
    """A record `session.mode_changed`: planning, asking, or working alone."""
    if mode := string(data, "newMode", _NAME_CHARACTERS):
        _custom(reading, "mode_changed", [], {"mode": mode})


def on_compacted(reading: Reading, data: Object) -> None:
    """`session.compaction_complete`, `session.truncation`: the model no longer sees all of it."""
    attributes: Attributes = {}
    for key, name in _NAMED_COUNTS.items():
        if (value := whole(data, key)) is not None:
            attributes[name] = value
    if trigger := string(data, "trigger", _NAME_CHARACTERS):
        attributes["compact.trigger"] = trigger
    if data.get("success") is False:
        said = string(data, "error") or "no details"
        _error(reading, f"Compaction failed: {said}", attributes)
    else:
        summary = string(data, "summaryContent").strip()
        _custom(reading, "context_compacted", [text(summary)] if summary else [], attributes)
    usage.on_compaction(reading, data)


def on_cleared(reading: Reading, data: Object) -> None:
    """A record `session.context_cleared`."""
    _custom(reading, "context_cleared", [], {})


def on_error(reading: Reading, data: Object) -> None:
    """`session.error`, `model.call_failure`: what went wrong, in Copilot's words."""
    said = string(data, "message") or string(data, "errorMessage") or "Error without a message"
    attributes: Attributes = {}
    for key, name in (("errorType", "error_type"), ("errorCode", "error_code")):
        if value := string(data, key, _NAME_CHARACTERS):
            attributes[name] = value
    if (status := whole(data, "statusCode")) is not None:
        attributes["status_code"] = status
    _error(reading, said, attributes)


def on_notice(reading: Reading, data: Object) -> None:
    """`session.info`, `session.warning`: a line for the person."""
    kind = string(data, "infoType", _NAME_CHARACTERS) or string(data, "warningType", 256)
    if said := string(data, "message").strip():
        attributes: Attributes = {"notice": kind} if kind else {}
        reading.line.emit(
            "SystemMessage", reading.native, blocks=[text(said)], attributes=attributes
        )


def on_notification(reading: Reading, data: Object) -> None:
    """A record `system.notification`: what the model is told of work in the background."""
    said = _NOTICE.sub("", string(data, "content")).strip()
    if said:
        kind = string(obj(data, "kind"), "type", _NAME_CHARACTERS)
        attributes: Attributes = {"notice": kind} if kind else {}
        reading.line.emit(
            "SystemMessage", reading.native, blocks=[text(said)], attributes=attributes
        )


def on_abort(reading: Reading, data: Object) -> None:
    """A record `abort`: the turn was broken off."""
    reason = string(data, "reason", 1024)
    _custom(reading, "turn_aborted", [], {"reason": reason} if reason else {})


def on_shutdown(reading: Reading, data: Object) -> None:
    """A record `session.shutdown`: the program ended; a resume may follow."""
    if data.get("shutdownType") == "error":
        _error(reading, string(data, "errorReason") or "Copilot ended with an error", {})
    usage.on_shutdown(reading, data)
    reading.ended.add(reading.key)


def on_hook(reading: Reading, data: Object) -> None:
    """A record `hook.end`: only where the hook failed or said something."""
    output = data.get("output")
    found = [output] if isinstance(output, str) else []
    for given in (output, data.get("error")):
        if isinstance(given, dict):
            found += [string(given, key) for key in _HOOK_TEXTS]
            found += [string(obj(given, "hookSpecificOutput"), key) for key in _HOOK_TEXTS]
    said = [part.strip() for part in found if part.strip()]
    if not said and data.get("success") is not False:
        return
    name = string(data, "hookType", _NAME_CHARACTERS) or "without a name"
    attributes: Attributes = {"error": True} if data.get("success") is False else {}
    words = "\n".join([f"Hook {name}:", *said]) if said else f"Hook {name} failed"
    _say(reading, [text(words)], attributes)


def on_skill(reading: Reading, data: Object) -> None:
    """A record `skill.invoked`: instructions that were handed to the model."""
    name = string(data, "name", _NAME_CHARACTERS)
    about, path = string(data, "description").strip(), string(data, "path", PATH_CHARACTERS)
    blocks: list[Block] = [text(f"Skill {name}: {about}" if about else f"Skill {name}")]
    content = string(data, "content")
    if path:
        file: dict[str, Any] = {"type": "File", "path": path}
        if content:
            file["content"] = content
        blocks.append(file)
    elif content:
        blocks.append(text(content))
    attributes: Attributes = {"skill": name}
    if trigger := string(data, "trigger", _NAME_CHARACTERS):
        attributes["origin"] = trigger
    _say(reading, blocks, attributes)


def on_handoff(reading: Reading, data: Object) -> None:
    """A record `session.handoff`: the session was taken over from elsewhere."""
    _related(reading, string(data, "remoteSessionId"))
    said = [string(data, key).strip() for key in ("summary", "context")]
    _custom(reading, "handoff", [text(part) for part in said if part], {})


def on_task_complete(reading: Reading, data: Object) -> None:
    """A record `session.task_complete`: the agent's summary of what it did."""
    said = string(data, "summary").strip()
    _custom(reading, "task_complete", [text(said)] if said else [], {})


def on_subagent_started(reading: Reading, data: Object) -> None:
    """A record `subagent.started`: which call started the subagent, and what it is."""
    if not reading.key:
        return
    state = reading.line.state
    if call_id := string(data, "toolCallId"):
        reading.spawned(call_id)
    state.model = string(data, "model", _NAME_CHARACTERS) or state.model
    for key, name in (("agentName", "agent_name"), ("agentDisplayName", "agent_display_name")):
        if value := string(data, key, _NAME_CHARACTERS):
            state.attributes[name] = value
    if string(data, "agentType"):  # without it, the description is the agent's, not the task's
        state.title = string(data, "agentDescription")


def on_subagent_ended(reading: Reading, data: Object) -> None:
    """`subagent.completed`, `subagent.failed`."""
    if not reading.key:
        return
    if said := string(data, "error").strip():
        _error(reading, said, {})
    reading.ended.add(reading.key)


def _settings(reading: Reading, data: Object) -> None:
    state = reading.line.state
    state.model = string(data, "selectedModel", _NAME_CHARACTERS) or state.model
    _context(reading, obj(data, "context"))


def _context(reading: Reading, context: Object) -> None:
    state = reading.line.state
    if cwd := string(context, "cwd", PATH_CHARACTERS):
        state.cwd = state.cwd or cwd
        state.last_cwd = cwd
    state.branch = string(context, "branch", _NAME_CHARACTERS) or state.branch
    state.commit = string(context, "headCommit", _NAME_CHARACTERS) or state.commit
    name = string(context, "repository", _NAME_CHARACTERS)
    host = string(context, "repositoryHost", _NAME_CHARACTERS)
    if name and host:
        state.remote = f"https://{host}/{name}"
    elif name:
        state.attributes["repository"] = name


def _related(reading: Reading, other: str) -> None:
    state = reading.line.state
    if not other or len(other) > ID_CHARACTERS or other == state.id:
        return
    if other not in state.related and len(state.related) < RELATED:
        state.related.append(other)


def _custom(reading: Reading, kind: str, blocks: list[Block], attributes: Attributes) -> None:
    reading.line.emit(
        "Custom", reading.native, data={"kind": kind}, blocks=blocks, attributes=attributes
    )


def _error(reading: Reading, said: str, attributes: Attributes) -> None:
    _say(reading, [text(said)], {**attributes, "error": True})


def _say(reading: Reading, blocks: list[Block], attributes: Attributes) -> None:
    reading.line.emit("SystemMessage", reading.native, blocks=blocks, attributes=attributes)
