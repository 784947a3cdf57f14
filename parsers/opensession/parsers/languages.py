"""What language a file is written in, by its name."""

from __future__ import annotations

_BY_EXTENSION = {
    "bash": "bash",
    "c": "c",
    "cc": "cpp",
    "cjs": "javascript",
    "cpp": "cpp",
    "cs": "csharp",
    "css": "css",
    "dart": "dart",
    "diff": "diff",
    "ex": "elixir",
    "exs": "elixir",
    "go": "go",
    "gradle": "kotlin",
    "h": "c",
    "hpp": "cpp",
    "hs": "haskell",
    "htm": "html",
    "html": "html",
    "java": "java",
    "js": "javascript",
    "json": "json",
    "jsonl": "json",
    "jsx": "javascript",
    "kt": "kotlin",
    "kts": "kotlin",
    "lua": "lua",
    "m": "objectivec",
    "md": "markdown",
    "mjs": "javascript",
    "patch": "diff",
    "php": "php",
    "pl": "perl",
    "properties": "properties",
    "proto": "protobuf",
    "ps1": "powershell",
    "py": "python",
    "pyi": "python",
    "r": "r",
    "rb": "ruby",
    "rs": "rust",
    "scala": "scala",
    "scss": "scss",
    "sh": "bash",
    "sql": "sql",
    "svelte": "svelte",
    "swift": "swift",
    "tf": "hcl",
    "toml": "toml",
    "ts": "typescript",
    "tsx": "typescript",
    "vue": "vue",
    "xml": "xml",
    "yaml": "yaml",
    "yml": "yaml",
    "zig": "zig",
    "zsh": "bash",
}

_BY_NAME = {"dockerfile": "dockerfile", "makefile": "makefile", "cmakelists.txt": "cmake"}


def language_of(path: str) -> str:
    """The language of a file by its name, in lower case; empty where the name does not tell."""
    name = path.rsplit("/", 1)[-1].rsplit("\\", 1)[-1].lower()
    if name in _BY_NAME:
        return _BY_NAME[name]
    _, dot, extension = name.rpartition(".")
    return _BY_EXTENSION.get(extension, "") if dot else ""
