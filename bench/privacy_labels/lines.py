"""Lines of transcripts in which secrets stand: by themselves, or beside a name."""

from __future__ import annotations

ALONE: dict[str, str] = {
    "prose": "Use {} for the staging account, it expires on Friday.",
    "prose, end of sentence": "I rotated it; the new one is {}.",
    "prose, parentheses": "the old credential ({}) still works",
    "markdown code": "Please set it to `{}` and try again",
    "line of its own": "$ cat /run/input\n{}\n$",
    "echo": "+ echo {}",
    "log": "2026-03-04T10:11:12.345Z ERROR rejected upstream call cred={} status=401",
    "traceback": (
        "Traceback (most recent call last):\n"
        '  File "app/client.py", line 41, in connect\n'
        "    raise AuthError(value)\napp.errors.AuthError: not accepted: '{}'"
    ),
    "go panic": 'panic: rejected "{}"\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/a.go:18 +0x1d',
    "python call": 'client = Client("{}", timeout=30)',
    "javascript call": "const client = new Client(`{}`)",
    "assertion": "E       AssertionError: assert 'anonymous' == '{}'",
    "json list": '["eu-west-1", "{}", 30]',
    "yaml list": "args:\n  - serve\n  - {}\n  - --verbose",
    "csv": "id,owner,value,created\n17,ann,{},2026-03-04",
    "table": "| staging | {} | 2026-03-04 |",
    "html": '<input type="hidden" value="{}">',
    "query": "https://api.acme.dev/v2/run?k={}&page=2",
    "path": "https://api.acme.dev/bot/{}/send",
    "shell argument": "./deploy.sh eu-west-1 {} --dry-run",
    "shell history": "  512  ./login {}",
    "comment": "# was: {}",
    "sql": "INSERT INTO integrations VALUES (3, 'ci', '{}');",
    "diff": '@@ -3,2 +3,2 @@\n-  run("{}")\n+  run(read())',
    "ansi": "\x1b[32m{}\x1b[0m",
    "curl header": "curl -H 'X-Custom: {}' https://api.acme.dev/v1/me",
    "xml": "<value>{}</value>",
    "key of object": '{"{}": {"owner": "ann"}}',
    "two in a line": "left={} right=none",
    "sentence with quotes": 'It answered "{}" which is what we need',
    "heredoc": "cat > /tmp/x <<EOF\n{}\nEOF",
}
"""A name for the place of a value that is known by its form, `{}`."""

NAMED: dict[str, str] = {
    "env file": "{N}={}",
    "env file, quoted": '{N}="{}"',
    "export": "export {N}='{}'",
    "env file, comment after": "{N}={} # staging",
    "cmd set": "set {N}={}",
    "powershell": '$env:{N} = "{}"',
    "yaml": "  {N}: {}",
    "yaml, quoted": '  {n}: "{}"',
    "compose list": "    environment:\n      - {N}={}\n      - DEBUG=1",
    "docker run": "docker run --rm -e {N}={} acme/app:1.2",
    "inline environment": "{N}={} python -m app serve",
    "k8s env": '        - name: {N}\n          value: "{}"',
    "json": '{"region": "eu", "{N}": "{}", "debug": false}',
    "json, camel": '  "{c}": "{}",',
    "javascript object": "const config = { {c}: '{}', retries: 3 }",
    "typescript const": 'const {N} = "{}";',
    "python": '{n} = "{}"',
    "python constant": "{N} = '{}'",
    "python keyword": 'client = make({n}="{}", retries=3)',
    "python environ": 'os.environ["{N}"] = "{}"',
    "python default": 'os.environ.get("{N}", "{}")',
    "node environ": "process.env.{N} = '{}'",
    "toml": '{n} = "{}"',
    "ini": "{n} = {}",
    "terraform": '  {n} = "{}"',
    "tfvars": '{n}="{}"',
    "dockerfile": "ENV {N}={}",
    "dockerfile, space": "ENV {N} {}",
    "dockerfile arg": "ARG {N}={}",
    "build argument": "docker build --build-arg {N}={} .",
    "fly": "fly secrets set {N}={} --app acme",
    "heroku": "heroku config:set {N}={}",
    "flag": "app serve --{k} {} --port 8080",
    "flag, equals": "app serve --{k}={}",
    "properties": "acme.{d}={}",
    "go struct": '\t\t{P}: "{}",',
    "go const": 'const {c} = "{}"',
    "java": 'private static final String {N} = "{}";',
    "c#": '["{P}"] = "{}"',
    "php define": "define('{N}', '{}');",
    "php array": "'{n}' => '{}',",
    "ruby": "  {n}: '{}',",
    "ruby environ": "ENV['{N}'] = '{}'",
    "xml": "<{c}>{}</{c}>",
    "printenv": "SHELL=/bin/bash\n{N}={}\nLANG=C.UTF-8",
    "logfmt": 'level=info msg="loaded" {n}={} took=12ms',
    "log": "2026-03-04 10:11:12 DEBUG config: {N}: {}",
    "diff added": "+{N}={}",
    "diff removed": '-    {n}: "{}"',
    "ci log": "2026-03-04T10:11:12.1234567Z   {N}: {}",
    "mcp config": '"mcpServers": {"acme": {"command": "npx", "env": {"{N}": "{}"}}}',
    "swift": 'let {c} = "{}"',
    "rust": 'const {N}: &str = "{}";',
    "gh secret": 'gh secret set {N} --body "{}"',
    "prose": "I set {N} to {} in the dashboard",
    "markdown": "- `{N}`: `{}`",
}
"""A name for the place of a value, `{}`, beside a name: `{N}` API_KEY, `{n}` api_key, `{c}` apiKey,
`{P}` ApiKey, `{k}` api-key, `{d}` api.key."""


def with_name(template: str, name: str) -> str:
    """A template of `NAMED` with a variable's name in it, in the way the place writes names."""
    low = name.lower()
    words = [word.capitalize() for word in low.split("_")]
    forms = {
        "N": name,
        "n": low,
        "c": words[0].lower() + "".join(words[1:]),
        "P": "".join(words),
        "k": low.replace("_", "-"),
        "d": low.replace("_", "."),
    }
    for mark, form in forms.items():
        template = template.replace("{" + mark + "}", form)
    return template


AROUND: tuple[str, ...] = (
    "total 48",
    "drwxr-xr-x 5 root root 4096 Mar  4 10:11 src",
    "PASS tests/unit/test_orders.py::test_total (0.02s)",
    "INFO  listening on 0.0.0.0:8080",
    "def total(orders):",
    "    return sum(order.price for order in orders)",
    "import { useState } from 'react'",
    "DEBUG=1",
    "LOG_LEVEL=info",
    "PORT=8080",
    "# Configuration of the service, see docs/config.md",
    "The tests pass now. Next I will look at the failing build.",
    "    timeout: 30",
    "    retries: 3",
    "",
    "}",
    "npm warn deprecated inflight@1.0.6: This module is not supported",
    "Compiling serde v1.0.219",
    "modified:   src/app/settings.py",
    "On branch main",
    "commit 4f1c2a9e8b7d6c5f4e3d2c1b0a9f8e7d6c5b4a39",
    "Author: dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>",
    "~/work/app $ make test",
    "+    assert total([]) == 0",
    "@@ -10,6 +10,7 @@ class Settings:",
    "2026-03-04T10:11:11.001Z INFO request id=1f0c8a2e-6f64-4a6e-9f0e-1f7a3d1c2b3a took=12ms",
    "    at Object.<anonymous> (src/app.ts:12:7)",
    "  % Total    % Received % Xferd  Average Speed",
    "max_tokens=4096 input_tokens=120 output_tokens=88",
    "| name | value | since |",
)
"""Lines without anything private, to stand around."""
