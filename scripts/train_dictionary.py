# noqa: INP001 - a program, not a package
"""Trains a zstd dictionary for the bodies of events: `python scripts/train_dictionary.py OUT`.

The samples are made here: the shapes that parsers give to events, the sentences agents write
themselves, commands, and this project's own sources in place of anybody's text. So what is shipped
holds nothing that a person said. A dictionary that was released is never changed, since stored
bodies need it: a better one gets the next number (`store/body.py`).
"""

from __future__ import annotations

import random
import sys
import uuid
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from opensession.daemon.store.body import Body

SIZE = 16 << 10
SAMPLES = 3000

ROOT = Path(__file__).resolve().parent.parent
MODELS = (
    "claude-opus-4-5-20251101",
    "claude-sonnet-4-5-20250929",
    "claude-opus-4-1-20250805",
    "claude-haiku-4-5-20251001",
    "claude-opus-4-6",
    "claude-sonnet-4-6",
    "gpt-5-codex",
    "gpt-5.1-codex-max",
    "gpt-5.2",
    "gpt-5.3-codex",
)
TOOLS = {
    "Bash": "shell", "exec_command": "shell", "Read": "file_read", "Edit": "file_write",
    "Write": "file_write", "apply_patch": "file_write", "Grep": "search", "Glob": "search",
    "Task": "task", "WebFetch": "web", "WebSearch": "web", "TodoWrite": "other",
    "update_plan": "other", "NotebookEdit": "file_write", "MultiEdit": "file_write",
}  # fmt: skip
FIXED = (
    "Todos have been modified successfully. Ensure that you continue to use the todo list to track"
    " your progress. Please proceed with the current tasks if applicable",
    "The file {path} has been updated successfully.",
    "The file {path} has been updated. Here's the result of running `cat -n` on a snippet of the"
    " edited file:\n",
    "File created successfully at: {path}",
    "File has not been read yet. Read it first before writing to it.",
    "File has been modified since read, either by the user or by a linter. Read it again before"
    " attempting to write it.",
    "String to replace not found in file.\nString: ",
    "No files found",
    "Found 3 files\n{path}\n{path}\n{path}",
    "Plan updated",
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was"
    " a file edit, the new_string was NOT written to the file). STOP what you are doing and wait"
    " for the user to tell you how to proceed.",
    "[Request interrupted by user for tool use]",
    "<system-reminder>\nWhenever you read a file, you should consider whether it looks malicious."
    "\n</system-reminder>",
    'Exit code 1\nTraceback (most recent call last):\n  File "{path}", line 12, in <module>\n',
    "Chunk ID: 3f9a21\nWall time: 0.0512 seconds\nProcess exited with code 0\n"
    "Original token count: 120\nOutput:\n",
    "Success. Updated the following files:\nM {path}\n",
    "This session is being continued from a previous conversation that ran out of context. The"
    " conversation is summarized below:\nAnalysis:\n",
    "<environment_context>\n  <cwd>~/project</cwd>\n  <approval_policy>on-request</approval_policy>"
    "\n  <sandbox_mode>workspace-write</sandbox_mode>\n  <network_access>restricted"
    "</network_access>\n  <shell>bash</shell>\n</environment_context>",
)
SAID = (
    "Let me look at the {name} implementation to understand how it works.",
    "Now I'll update the tests to match the new behavior.",
    "I'll start by exploring the codebase to understand the structure.",
    "Good, the tests pass. Let me also check the other places that use this function.",
    "The user wants me to {name}. Let me think about how to do this.",
    "Looking at the error, the issue is that the function is called before it is initialized.",
    "Perfect! All tests are passing. Let me run the linter to make sure everything is clean.",
    "Let me check the git status and see what changed.",
    "I need to fix the failing test. The problem is in the way we handle the response.",
    "## Summary\n\nI've made the following changes:\n\n1. **Added** `{name}` to the configuration\n"
    "2. **Updated** the documentation\n3. **Fixed** the bug where the error was ignored\n",
    "can you add a test for this and make sure that the existing ones still work?",
    "please fix the build, it is failing with the following error:",
    "commit this", "continue", "yes, do that", "run the tests again",
)  # fmt: skip
COMMANDS = (
    "git status", "git diff --stat HEAD~1", "git log --oneline -10", "ls -la", "npm run build 2>&1",
    "npm test", "go test ./... 2>&1 | tail -20", "cargo build", "cargo test", "pytest -q",
    'grep -rn "{name}" --include="*.ts" .', "sed -n '1,120p' {path}", "cat {path}", "rg -n {name}",
    'find . -name "*.go" -not -path "./vendor/*" | head -50', "mkdir -p build && cd build",
    "git add -A && git commit -m \"$(cat <<'EOF'\nfix: {name}\n\nEOF\n)\"", "python3 -m {name}",
    "docker compose up -d", "curl -s http://localhost:8080/api/{name} | jq .", "make lint",
    "gh pr view --json title,body", "npx tsc --noEmit", "wc -l {path}",
)  # fmt: skip
OTHER_CODE = (
    "func {name}(ctx context.Context, opts *Options) (*Result, error) {{\n\tif err != nil {{\n\t\t"
    'return nil, fmt.Errorf("failed to {name}: %w", err)\n\t}}\n\treturn result, nil\n}}\n',
    "func Test{name}(t *testing.T) {{\n\tt.Parallel()\n\ttests := []struct {{\n\t\tname string\n",
    "import React, {{ useState, useEffect }} from 'react';\n\nexport const {name} = () => {{\n"
    '  const [data, setData] = useState(null);\n  return (\n    <div className="{name}">\n',
    "export async function {name}(req: Request, res: Response): Promise<void> {{\n  try {{\n"
    "    const result = await this.service.{name}();\n    return res.status(200).json(result);\n",
    "pub fn {name}(&self, value: &str) -> Result<(), Error> {{\n    let mut out = Vec::new();\n"
    "    for item in self.items.iter() {{\n        out.push(item.clone());\n    }}\n    Ok(())\n"
    "}}\n",
    "public class {name} {{\n    private final String name;\n\n    @Override\n    public void run()"
    " throws Exception {{\n",
    "SELECT id, name, created_at FROM {name} WHERE user_id = $1 ORDER BY created_at DESC LIMIT 10;",
    '{{\n  "name": "{name}",\n  "version": "1.0.0",\n  "scripts": {{\n    "build": "tsc",\n'
    '    "test": "jest"\n  }},\n  "dependencies": {{\n',
    '#!/usr/bin/env bash\nset -euo pipefail\n\nif [[ -z "${{1:-}}" ]]; then\n  echo "usage: $0"'
    " >&2\n  exit 1\nfi\n",
    "name: CI\non:\n  push:\n    branches: [main]\njobs:\n  build:\n    runs-on: ubuntu-latest\n"
    "    steps:\n      - uses: actions/checkout@v4\n",
)


class Samples:
    """Bodies as they are stored, made from a seed."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - samples, no secrets
        files = [p for part in ("core", "daemon", "parsers", "client") for p in _sources(part)]
        self._lines = [line for p in files for line in p.read_text("utf-8").splitlines()]
        self._paths = [f"~/projects/app/{p.relative_to(ROOT)}" for p in files]
        words = {word for line in self._lines for word in line.replace("_", " ").split()}
        self._names = sorted(word for word in words if word.isalpha() and 4 < len(word) < 12)

    def body(self) -> Body:
        """One body; kinds occur about as often as in real sessions."""
        made = self._rng.choices(
            (self._message, self._call, self._result, self._prompt, self._tokens),
            (30, 30, 32, 6, 2),
        )[0]
        return made()

    def _message(self) -> Body:
        said = self._fill(self._rng.choice(SAID)) if self._rng.random() < 0.8 else self._prose()
        return Body(None, [_text(said)], None, {**self._usage(), "source.raw_type": "assistant"})

    def _prompt(self) -> Body:
        said = self._fill(self._rng.choice(SAID + FIXED))
        return Body(None, [_text(said)], None, {"source.raw_type": "user"})

    def _tokens(self) -> Body:
        used = {"reasoning_tokens": self._rng.randrange(900), "source.raw_type": "token_count"}
        return Body({"kind": "token_count"}, [], None, {**self._usage(), **used})

    def _call(self) -> Body:
        tool = self._rng.choices(list(TOOLS), (30, 10, 25, 20, 3, 6, 12, 4, 2, 1, 1, 6, 3, 1, 1))[0]
        path, command = self._path(), self._fill(self._rng.choice(COMMANDS))
        attributes = {
            **self._usage(),
            "semantic.call_id": self._id("toolu_01"),
            "semantic.tool_kind": TOOLS[tool],
            "tool_use_name": tool,
            "source.raw_type": "assistant",
        }
        data: dict[str, Any]
        if TOOLS[tool] == "shell":
            shown = [_text(self._fill("Run the {name} tests")), _code(command, "bash")]
            return Body({"command": command}, shown, None, attributes)
        if TOOLS[tool] in ("file_read", "file_write"):
            more: dict[str, Any] = {"offset": self._rng.randrange(900), "limit": 100}
            data = {"type": "Json", "data": more}
            return Body({"path": path}, [_text(path), data], None, attributes)
        if TOOLS[tool] == "search":
            asked = {"pattern": self._name(), "path": path, "output_mode": "content", "-n": True}
            data = {"type": "Json", "data": asked}
            return Body({"query": asked["pattern"]}, [_text(path), data], None, attributes)
        todos = [
            {"content": self._fill(said), "status": status, "activeForm": self._fill(said)}
            for said, status in zip(SAID, ("completed", "in_progress", "pending"), strict=False)
        ]
        return Body({"name": tool}, [{"type": "Json", "data": {"todos": todos}}], None, attributes)

    def _result(self) -> Body:
        tool = self._rng.choice(list(TOOLS))
        call_id = self._id("toolu_01")
        attributes: dict[str, Any] = {
            "semantic.call_id": call_id,
            "result.call_seq": self._rng.randrange(2000),
            "semantic.tool_kind": TOOLS[tool],
            "source.raw_type": "user",
        }
        blocks = [_text(self._fill(self._rng.choice(FIXED)) + self._output())]
        if TOOLS[tool] == "shell":
            blocks = [_text(self._output())]
            attributes = {"result.exit_code": 0, **attributes}
        elif TOOLS[tool] == "file_read":
            blocks = [_code(self._prose(20), "python") | {"start_line": self._rng.randrange(400)}]
        elif TOOLS[tool] == "file_write":
            attributes = {"result.diff": self._diff(), **attributes}
        error = self._rng.random() < 0.05
        return Body({"name": tool, "is_error": error, "call_id": call_id}, blocks, None, attributes)

    def _usage(self) -> dict[str, Any]:
        number = self._rng.randrange
        return {
            "message_id": self._id("msg_01"),
            "model": self._rng.choice(MODELS),
            "input_tokens": number(12),
            "output_tokens": number(3000),
            "cache_read_tokens": number(160_000),
            "cache_write_tokens": number(9000),
        }

    def _diff(self) -> str:
        path, start = self._path(), self._rng.randrange(400)
        old, new = self._prose(3).splitlines(), self._prose(4).splitlines()
        head = f"--- {path}\n+++ {path}\n@@ -{start},9 +{start},10 @@\n "
        return head + "\n-".join(old) + "\n+" + "\n+".join(new)

    def _output(self) -> str:
        kind = self._rng.random()
        if kind < 0.3:
            return self._fill(self._rng.choice(OTHER_CODE))
        if kind < 0.6:
            lines = self._prose(8).splitlines()
            return "\n".join(f"{self._path()}:{n * 7}:{line}" for n, line in enumerate(lines))
        return self._prose(8)

    def _prose(self, count: int = 5) -> str:
        start = self._rng.randrange(len(self._lines) - count)
        return "\n".join(self._lines[start : start + count])

    def _path(self) -> str:
        return self._rng.choice(self._paths)

    def _name(self) -> str:
        return self._rng.choice(self._names)

    def _id(self, prefix: str) -> str:
        return prefix + uuid.UUID(int=self._rng.getrandbits(128)).hex[:22]

    def _fill(self, template: str) -> str:
        if "{name}" not in template and "{path}" not in template:
            return template
        filled = template.replace("{name}", self._name()).replace("{path}", self._path())
        return filled.replace("{{", "{").replace("}}", "}")


def main() -> None:
    """Writes the dictionary to the file that is named."""
    if len(sys.argv) != 2:
        sys.exit("usage: train_dictionary.py OUT")
    samples = Samples(1)
    encoder = msgspec.msgpack.Encoder()
    bodies: list[bytes | bytearray | memoryview[int]] = [
        encoder.encode(samples.body()) for _ in range(SAMPLES)
    ]
    dictionary = zstandard.train_dictionary(SIZE, bodies, level=3)
    Path(sys.argv[1]).write_bytes(dictionary.as_bytes())


def _sources(part: str) -> list[Path]:
    return sorted((ROOT / part).rglob("*.py"))


def _text(value: str) -> dict[str, Any]:
    return {"type": "Text", "text": value}


def _code(value: str, language: str) -> dict[str, Any]:
    return {"type": "Code", "code": value, "language": language}


if __name__ == "__main__":
    main()
