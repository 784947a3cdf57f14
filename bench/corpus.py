"""Realistic transcripts, made from a seed: Claude Code and Codex sessions as their files look.

Text is cut from the Python standard library's own sources, so that words, identifiers and
indentation are those of real code. The shares of record kinds follow measured transcripts: tool
results are most of the text, an edit's record carries the whole original file, and a fifth of the
lines are progress ticks.
"""

from __future__ import annotations

import base64
import json
import random
import sysconfig
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

HOME = "/home/dev"
START = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


@cache
def _library() -> list[tuple[str, list[str]]]:
    folder = Path(sysconfig.get_paths()["stdlib"])
    names = sorted(p for p in folder.glob("*.py") if 8_000 < p.stat().st_size < 120_000)
    return [(p.name, p.read_text("utf-8", "replace").splitlines()) for p in names[:120]]


@cache
def _words() -> list[str]:
    words = {w for _, lines in _library() for line in lines for w in line.split()}
    return sorted(w for w in words if w.isalpha() and 2 < len(w) < 14)


@cache
def _sentences() -> list[str]:
    """Comments and docstrings: prose as people write it about code."""
    lines = (line.strip(" #") for _, file in _library() for line in file)
    return [s for s in lines if 40 < len(s) < 78 and s[0].isalpha() and s.count(" ") > 5]


class Texts:
    """Cuts of real code, always the same for the same seed."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.files = rng.sample(_library(), 5)  # a session works on few files, again and again
        self.words = _words()
        self.sentences = _sentences()

    def file(self) -> tuple[str, list[str]]:
        return self.rng.choice(self.files)

    def lines(self, low: int, high: int) -> tuple[str, int, list[str]]:
        name, lines = self.file()
        count = self.rng.randint(low, high)
        start = self.rng.randrange(max(1, len(lines) - count))
        return name, start, lines[start : start + count]

    def prose(self, low: int, high: int) -> str:
        """About `low` to `high` words, in runs of sentences that belong together."""
        count = self.rng.randint(low, high)
        if count < 8:
            return " ".join(self.rng.choices(self.words, k=count))
        start = self.rng.randrange(len(self.sentences) - count)
        return " ".join(self.sentences[start : start + max(1, count // 9)])


def _opaque(rng: random.Random, size: int) -> str:
    """Base64 of random bytes, as signatures and encrypted reasoning are."""
    return base64.b64encode(rng.randbytes(size)).decode()


def claude_session(seed: int, size: int) -> Iterator[bytes]:
    """Lines of one Claude Code session of about `size` bytes."""
    rng = random.Random(seed)
    texts = Texts(rng)
    session = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    project = f"{HOME}/work/project-{seed % 17}"
    now = START + timedelta(hours=seed % 1500)
    parent: str | None = None
    written = 0

    def line(kind: str, **more: Any) -> bytes:
        nonlocal now, parent, written
        now += timedelta(milliseconds=rng.randint(40, 4000))
        this = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        record = {
            "parentUuid": parent,
            "isSidechain": False,
            "userType": "external",
            "cwd": project,
            "sessionId": session,
            "version": "2.1.40",
            "gitBranch": f"feature/{seed % 5}",
            "type": kind,
            **more,
            "uuid": this,
            "timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        parent = this
        data = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        written += len(data)
        return data

    def reply(message: str, block: dict[str, Any], total: int) -> bytes:
        usage = {
            "input_tokens": 4,
            "cache_creation_input_tokens": 900 + total % 700,
            "cache_read_input_tokens": 20_000 + total,
            "output_tokens": 30 + total % 600,
        }
        return line(
            "assistant",
            requestId=f"req_{message}",
            message={
                "id": f"msg_{message}",
                "type": "message",
                "role": "assistant",
                "model": "claude-opus-4-5-20251101",
                "content": [block],
                "usage": usage,
            },
        )

    def result(call: str, content: Any, detail: Any, error: bool = False) -> bytes:
        block = {"type": "tool_result", "tool_use_id": call, "content": content}
        if error:
            block["is_error"] = True
        return line("user", message={"role": "user", "content": [block]}, toolUseResult=detail)

    while written < size:
        yield line("user", message={"role": "user", "content": texts.prose(8, 90)})
        for turn in range(rng.randint(3, 14)):
            message = f"{rng.getrandbits(96):024x}"
            call = f"toolu_{rng.getrandbits(96):024x}"
            if rng.random() < 0.5:
                thought = {
                    "type": "thinking",
                    "thinking": texts.prose(20, 160),
                    "signature": _opaque(rng, 330),
                }
                yield reply(message, thought, turn)
            yield reply(message, {"type": "text", "text": texts.prose(10, 60)}, turn)
            action = rng.random()
            name, start, lines = texts.lines(20, 220)
            path = f"{project}/src/{name}"

            def use(
                tool: str,
                message: str = message,
                call: str = call,
                turn: int = turn,
                **arguments: Any,
            ) -> bytes:
                block = {"type": "tool_use", "id": call, "name": tool, "input": arguments}
                return reply(message, block, turn)

            if action < 0.4:
                yield use("Read", file_path=path, offset=start + 1, limit=len(lines))
                shown = "\n".join(f"{start + i + 1:6}\u2192{t}" for i, t in enumerate(lines))
                detail: Any = {
                    "type": "text",
                    "file": {
                        "filePath": path,
                        "content": "\n".join(lines),
                        "numLines": len(lines),
                        "startLine": start + 1,
                    },
                }
                yield result(call, shown, detail)
            elif action < 0.62:
                old = lines[:4]
                new = [*lines[:2], f"    # {texts.prose(3, 9)}", *lines[3:4]]
                yield use(
                    "Edit", file_path=path, old_string="\n".join(old), new_string="\n".join(new)
                )
                hunk = {
                    "oldStart": start + 1,
                    "oldLines": 4,
                    "newStart": start + 1,
                    "newLines": 4,
                    "lines": [*(f"-{t}" for t in old), *(f"+{t}" for t in new)],
                }
                _, original = texts.file()
                detail = {
                    "filePath": path,
                    "oldString": "\n".join(old),
                    "newString": "\n".join(new),
                    "originalFile": "\n".join(original[:600]),
                    "structuredPatch": [hunk],
                    "userModified": False,
                }
                yield result(call, f"The file {path} has been updated.", detail)
            elif action < 0.9:
                yield use("Bash", command=f"pytest -q tests/{name}", description=texts.prose(3, 7))
                for tick in range(rng.randint(0, 4)):
                    yield line(
                        "progress",
                        data={
                            "type": "bash_progress",
                            "output": "\n".join(lines[:8]),
                            "fullOutput": "\n".join(lines[:20]),
                            "elapsedTimeSeconds": tick,
                            "totalLines": 20,
                        },
                        toolUseID=f"bash-progress-{tick}",
                        parentToolUseID=call,
                    )
                failed = rng.random() < 0.15
                output = "\n".join(lines[:60])
                detail = (
                    f"Error: Exit code 1\n{output}"
                    if failed
                    else {"stdout": output, "stderr": "", "interrupted": False, "isImage": False}
                )
                yield result(call, f"Exit code 1\n{output}" if failed else output, detail, failed)
            else:
                yield use("Grep", pattern=rng.choice(texts.words), path=f"{project}/src")
                found = "\n".join(f"{path}:{start + i}:{t}" for i, t in enumerate(lines[:40]))
                detail = {"mode": "content", "numFiles": 1, "content": found}
                yield result(call, found, detail)


def codex_session(seed: int, size: int) -> Iterator[bytes]:
    """Lines of one Codex rollout of about `size` bytes."""
    rng = random.Random(seed)
    texts = Texts(rng)
    session = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    project = f"{HOME}/work/project-{seed % 17}"
    now = START + timedelta(hours=seed % 1500)
    written = 0
    used = 0

    def line(kind: str, payload: dict[str, Any]) -> bytes:
        nonlocal now, written
        now += timedelta(milliseconds=rng.randint(40, 4000))
        stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record = {"timestamp": stamp, "type": kind, "payload": payload}
        data = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        written += len(data)
        return data

    def message(role: str, text: str) -> bytes:
        kind = "input_text" if role == "user" else "output_text"
        block = {"type": kind, "text": text}
        return line("response_item", {"type": "message", "role": role, "content": [block]})

    stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    meta = {
        "id": session,
        "timestamp": stamp,
        "cwd": project,
        "originator": "codex_exec",
        "cli_version": "0.98.0",
        "source": "exec",
        "git": {"branch": f"feature/{seed % 5}", "commit_hash": f"{rng.getrandbits(160):040x}"},
        "base_instructions": {"text": "\n".join(texts.sentences[:220])},
    }
    yield line("session_meta", meta)
    while written < size:
        yield line("turn_context", {"cwd": project, "model": "gpt-5.1-codex", "effort": "medium"})
        prompt = texts.prose(8, 90)
        yield message("user", prompt)
        yield line("event_msg", {"type": "user_message", "message": prompt})
        for _ in range(rng.randint(3, 14)):
            call = f"call_{rng.getrandbits(96):024x}"
            name, _, lines = texts.lines(20, 220)
            summary = [{"type": "summary_text", "text": texts.prose(6, 30)}]
            secret = _opaque(rng, 540)
            yield line(
                "response_item",
                {"type": "reasoning", "summary": summary, "encrypted_content": secret},
            )
            if rng.random() < 0.25:
                patch = "\n".join(
                    [
                        "*** Begin Patch",
                        f"*** Update File: src/{name}",
                        "@@",
                        f"-{lines[0]}",
                        f"+{lines[0]}  # {texts.prose(2, 5)}",
                        "*** End Patch",
                    ]
                )
                payload = {
                    "type": "custom_tool_call",
                    "name": "apply_patch",
                    "input": patch,
                    "call_id": call,
                }
                yield line("response_item", payload)
                output = json.dumps(
                    {"output": "Success.", "metadata": {"exit_code": 0, "duration_seconds": 0.1}}
                )
                yield line(
                    "response_item",
                    {"type": "custom_tool_call_output", "call_id": call, "output": output},
                )
            else:
                arguments = json.dumps({"cmd": f"sed -n 1,200p src/{name}"})
                payload = {
                    "type": "function_call",
                    "name": "exec_command",
                    "arguments": arguments,
                    "call_id": call,
                }
                yield line("response_item", payload)
                head = "Chunk ID: 1\nWall time: 0.2 seconds\nProcess exited with code 0\nOutput:\n"
                output = head + "\n".join(lines)
                yield line(
                    "response_item",
                    {"type": "function_call_output", "call_id": call, "output": output},
                )
                ended = {
                    "type": "exec_command_end",
                    "call_id": call,
                    "command": ["bash", "-lc", f"sed -n 1,200p src/{name}"],
                    "cwd": project,
                    "exit_code": 0,
                    "duration": {"secs": 0, "nanos": 200_000_000},
                    "aggregated_output": "\n".join(lines),
                    "stdout": "\n".join(lines),
                    "stderr": "",
                }
                yield line("event_msg", ended)
            used += rng.randint(500, 3000)
            total = {
                "input_tokens": used,
                "cached_input_tokens": used * 9 // 10,
                "output_tokens": used // 40,
                "total_tokens": used + used // 40,
            }
            info = {"total_token_usage": total, "last_token_usage": total}
            yield line("event_msg", {"type": "token_count", "info": info})
        yield message("assistant", texts.prose(30, 200))


def make(home: Path, total_bytes: int, *, seed: int = 1) -> int:
    """Write sessions below `home` until they hold `total_bytes`; give the bytes written.

    Four of five are Claude Code's, one is Codex's; sizes spread from 50 kB to 4 MB.
    """
    rng = random.Random(seed)
    written = 0
    number = 0
    while written < total_bytes:
        number += 1
        size = int(min(4_000_000, max(50_000, rng.lognormvariate(13.6, 0.9))))
        size = min(size, max(50_000, total_bytes - written))
        if number % 5:
            folder = home / ".claude/projects" / f"-home-dev-work-project-{number % 17}"
            path = folder / f"{uuid.UUID(int=rng.getrandbits(128), version=4)}.jsonl"
            lines = claude_session(seed * 100_000 + number, size)
        else:
            folder = home / ".codex/sessions/2026/09" / f"{number % 28 + 1:02}"
            name = uuid.UUID(int=rng.getrandbits(128), version=4)
            path = folder / f"rollout-2026-09-{number % 28 + 1:02}T08-00-00-{name}.jsonl"
            lines = codex_session(seed * 100_000 + number, size)
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            written += sum(file.write(line) for line in lines)
    return written
