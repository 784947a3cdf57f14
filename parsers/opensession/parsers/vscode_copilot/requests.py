"""One request of a chat session and its response.

{"requestId", "timestamp", "message": {"text"}, "variableData": {"variables": […]}, "modelId",
 "response": [parts…], "responseId", "modelState": {"value", "completedAt"},
 "result": {"timings", "errorDetails", "metadata": {"promptTokens", "toolCallRounds", …}}}
"""

from __future__ import annotations

from opensession.core.hail import Attributes, Block, text
from opensession.parsers.actions import NAME_CHARACTERS, string
from opensession.parsers.agent import SessionDelta
from opensession.parsers.copilot.fields import Object, count, obj, objects, whole
from opensession.parsers.timeline import ID_CHARACTERS, PATH_CHARACTERS, State, Timeline
from opensession.parsers.vscode_copilot.calls import Calls
from opensession.parsers.vscode_copilot.parts import Telling
from opensession.parsers.vscode_copilot.uris import path_of

NAME = "vscode-copilot"

MOST_PARTS = 20_000
"""Parts of one response; what comes after them is not told."""

_CANCELLED, _FAILED = 2, 3


def tell(line: Timeline, request: Object) -> list[SessionDelta]:
    """Adds the events of a request; the sessions of subagents that worked in it, whole."""
    native = string(request, "requestId")
    stamp = whole(request, "timestamp")
    line.at(stamp * 1000 if stamp is not None else None, "request", native.encode(errors="replace"))
    model = _models(line, request)
    _prompt(line, request, native)
    response = string(request, "responseId") or f"{native}:response"
    shared: Attributes = {"message_id": response}
    if model:
        shared["model"] = model
    parts = objects(request, "response")
    if len(parts) > MOST_PARTS:
        line.skip("oversized")
        parts = parts[:MOST_PARTS]
    calls = Calls(request, parts, shared)
    telling = Telling(line, response, calls, shared)
    before = line.state.time_us

    def subagent(call_id: str) -> Timeline:
        return _subagent(line.state, call_id, before, model, parts)

    telling.tell(parts, subagent)
    _end(line, request, response, telling.n)
    _usage(line, request, response, model, telling.n + 2)
    line.state.open.clear()  # a call without a result waits for it in this request only
    return [each.delta(ended=True) for each in telling.subagents.values() if each.state.count]


def _models(line: Timeline, request: Object) -> str:
    """The model that answered; a session has the latest."""
    state = line.state
    metadata = obj(obj(request, "result"), "metadata")
    chosen = string(request, "modelId")[:NAME_CHARACTERS]
    vendor, slash, name = chosen.partition("/")
    model = string(metadata, "resolvedModel")[:NAME_CHARACTERS] or (name if slash else chosen)
    state.model = model or state.model
    state.provider = (vendor if slash else "") or state.provider
    version = string(obj(request, "agent"), "extensionVersion")[:NAME_CHARACTERS]
    state.tool_version = version or state.tool_version
    return model


def _prompt(line: Timeline, request: Object, native: str) -> None:
    """What the person asked, with what was attached to it."""
    message = request.get("message")
    said = message if isinstance(message, str) else string(obj(request, "message"), "text")
    blocks: list[Block] = [text(said.strip())] if said.strip() else []
    for variable in objects(obj(request, "variableData"), "variables"):
        block = _attached(variable)
        if block is not None:
            blocks.append(block)
    if not blocks:
        return
    attributes: Attributes = {}
    command = obj(request, "slashCommand")
    if name := string(command, "name")[:NAME_CHARACTERS]:
        attributes["slash_command"] = f"/{name}"
    mode = string(obj(request, "modeInfo"), "kind")[:NAME_CHARACTERS]
    if mode:
        attributes["mode"] = mode
    line.prompt(native, blocks, attributes=attributes)


def _attached(variable: Object) -> Block | None:
    """What a person attached to a prompt; what VS Code attaches by itself is left out."""
    kind, value = variable.get("kind"), variable.get("value")
    if kind == "image" or string(variable, "mimeType").startswith("image/"):
        mime = string(variable, "mimeType")[:NAME_CHARACTERS]
        name = string(variable, "name")[:NAME_CHARACTERS]
        image: Block = {"type": "Image", "url": "", "mime": mime}
        return {**image, "alt": name} if name else image
    if variable.get("automaticallyAdded") is True or kind in ("implicit", "workspace", "tool"):
        return None
    if kind in ("promptFile", "promptText", "toolset"):
        return None
    if kind == "paste" and (said := string(variable, "code")):
        return text(said)
    path = path_of(value)
    if path:
        return {"type": "File", "path": path[:PATH_CHARACTERS]}
    return None


def _end(line: Timeline, request: Object, response: str, n: int) -> None:
    """How a response ended, where it did not simply end."""
    state = obj(request, "modelState")
    value, done = state.get("value"), whole(state, "completedAt")
    error = obj(obj(request, "result"), "errorDetails")
    line.at(done * 1000 if done is not None else None, "modelState")
    said = string(error, "message").strip()
    cancelled = value == _CANCELLED or request.get("isCanceled") is True
    if said and not (cancelled and said.lower() in ("canceled", "cancelled")):
        attributes: Attributes = {"error": True}
        if code := string(error, "code")[:NAME_CHARACTERS]:
            attributes["error_code"] = code
        line.emit("SystemMessage", response, blocks=[text(said)], attributes=attributes, n=n)
    elif value == _FAILED:
        line.emit(
            "SystemMessage",
            response,
            blocks=[text("The request failed.")],
            attributes={"error": True},
            n=n,
        )
    if cancelled:
        line.emit("Custom", response, data={"kind": "turn_aborted"}, n=n + 1)


def _usage(line: Timeline, request: Object, response: str, model: str, n: int) -> None:
    """The tokens of a request. VS Code counts the prompt as a whole, cached or not."""
    metadata, usage = obj(obj(request, "result"), "metadata"), obj(request, "usage")
    given = count(metadata, "promptTokens") or count(usage, "promptTokens")
    output = count(metadata, "outputTokens") or count(usage, "completionTokens")
    if not given and not output:
        return
    attributes: Attributes = {
        "message_id": response,
        "input_tokens": given,
        "output_tokens": output,
    }
    if model:
        attributes["model"] = model
    elapsed = whole(obj(obj(request, "result"), "timings"), "totalElapsed")
    line.emit(
        "Custom",
        response,
        data={"kind": "token_count"},
        attributes=attributes,
        duration_ms=elapsed if elapsed is not None and elapsed >= 0 else None,
        n=n,
    )
    line.usage(response, model=model, input=given, output=output)


def _subagent(main: State, call_id: str, time_us: int, model: str, parts: list[Object]) -> Timeline:
    """The timeline of a subagent, which begins with what it was told."""
    state = State(
        id=f"{main.id}.{call_id}"[:ID_CHARACTERS],
        auxiliary=True,
        parent=main.id,
        parent_call_id=call_id,
        cwd=main.cwd,
        last_cwd=main.last_cwd,
        provider=main.provider,
        model=model,
        tool_version=main.tool_version,
        branch=main.branch,
        commit=main.commit,
        remote=main.remote,
        time_us=time_us,
    )
    line = Timeline(NAME, state)
    line.at(None, "response/subagent")
    for part in parts:
        specific = obj(part, "toolSpecificData")
        if part.get("toolCallId") == call_id and specific.get("kind") == "subagent":
            state.title = string(specific, "description")
            state.model = string(specific, "modelName")[:NAME_CHARACTERS] or model
            if name := string(specific, "agentName")[:NAME_CHARACTERS]:
                state.attributes["agent_name"] = name
            if said := string(specific, "prompt").strip():
                line.prompt(f"{call_id}:prompt", [text(said)], attributes={"origin": "agent"})
    return line
