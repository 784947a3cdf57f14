"""Globs of files whose content is left out of sessions: which paths they match, and which commands
plainly show such a file.

    .env  *.pem  id_*      no slash: the last part of the path
    secrets/*.yml  a/**/b  a slash: that many last parts; `**` is any number of folders
    /srv/keys/*  ~/keys/   absolute; an ending slash is everything below a folder

Letters count alike in both cases, since some disks do not tell them apart. A pattern may come from
a repository, so matching one costs no more than the product of the lengths of pattern and path.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable, Sequence

MOST_PATTERNS = 256
PATTERN_CHARACTERS = 256
_PATH_PARTS = 64
_PATH_CHARACTERS = 4096
_COMMAND_CHARACTERS = 64 << 10

# Programs that print what is in the files they are given.
_SHOWING = frozenset((
        "cat", "tac", "less", "more", "head", "tail", "bat", "batcat", "nl", "xxd", "od", "hexdump",
        "hd", "strings", "base64", "base32", "sed", "awk", "gawk", "grep", "egrep", "fgrep", "rg",
        "ag", "ack", "cut", "sort", "uniq", "diff", "cmp", "comm", "paste", "fold", "fmt", "column",
        "rev", "tr", "jq", "yq", "view", "vim", "vi", "nano", "openssl", "source", "dotenv", "type",
        "gc", "get-content", "select-string", "findstr", "import-csv", "gpg", "age", "tee", "dd",
        "curl", "expand", "iconv",
))  # fmt: skip
# Of these the first argument that is no option is what they look for or do.
_SCRIPTED = frozenset((
        "sed", "awk", "gawk", "grep", "egrep", "fgrep", "rg", "ag", "ack", "jq", "yq",
        "select-string", "findstr",
))  # fmt: skip
_GIT_SHOWING = frozenset((
        "show", "diff", "blame", "log", "cat-file", "grep", "annotate", "stash",
))  # fmt: skip

_SEGMENTS = re.compile(r"\|\|?|&&?|;|\n|\$\(|[`()]")
_WORDS = re.compile(r"[^\s\"'<>=,{}\[\]]+|<|>")
_LINE = re.compile(r"\n")
_LOOKED_THROUGH = re.compile(r"(?P<path>[^\n:\0]{1,512}?)(?P<sep>[:\-])(?=\d{1,9}[:\-])")


class FileGlobs:
    """Patterns, ready to be matched. Those that are too long or too many are left out by `clean`,
    which says so.
    """

    def __init__(self, patterns: Iterable[str], home: str = "") -> None:
        self.patterns = tuple(dict.fromkeys(patterns))[: 2 * MOST_PATTERNS]
        self._names: list[tuple[str, re.Pattern[str]]] = []
        self._paths: list[tuple[str, tuple[str, ...], bool]] = []
        for pattern in self.patterns:
            wanted = pattern.strip().replace("\\", "/").lower()
            if wanted.startswith("~/") and home:
                wanted = home.lower().rstrip("/") + wanted[1:]
            if wanted.endswith("/"):
                wanted += "**"
            if "/" not in wanted:
                if wanted:
                    self._names.append((pattern, re.compile(fnmatch.translate(wanted))))
                continue
            parts = tuple(part for part in wanted.split("/") if part not in ("", "."))
            self._paths.append((pattern, parts, wanted.startswith("/")))

        self._literals = tuple({_literal(pattern) for pattern in self.patterns})

    def __bool__(self) -> bool:
        return bool(self._names or self._paths)

    def match(self, path: str) -> str:
        """The first pattern that a path matches; empty if none does."""
        if not path or len(path) > _PATH_CHARACTERS or not self._may_match(path):
            return ""
        clean = path.replace("\\", "/").lower().removeprefix("file://")
        parts = [part for part in clean.split("/") if part not in ("", ".")]
        if not parts:
            return ""
        for pattern, name in self._names:
            if name.match(parts[-1]):
                return pattern
        if self._paths:
            parts = parts[-_PATH_PARTS:]
            for pattern, wanted, absolute in self._paths:
                if _fits(wanted, parts, absolute and clean.startswith("/")):
                    return pattern
        return ""

    def match_command(self, command: str) -> str:
        """The pattern of a file that a command plainly shows (`cat .env`, `grep x < .env`), or
        writes; empty if there is none. What a program of the user's own reads is not known.
        """
        return self._command(command, shown=True) or self.match_written(command)

    def match_written(self, command: str) -> str:
        """The pattern of a file that a command writes by `>` or `tee`: its content may stand in
        the command itself.
        """
        return self._command(command, shown=False)

    def _may_match(self, text: str) -> bool:
        """Whether the telling piece of any pattern is in a text: most have none."""
        lowered = text.lower()
        return any(literal in lowered for literal in self._literals)

    def _command(self, command: str, *, shown: bool) -> str:
        if not self._may_match(command):
            return ""
        for segment in _SEGMENTS.split(command[:_COMMAND_CHARACTERS]):
            found = self._segment(_WORDS.findall(segment), shown=shown)
            if found:
                return found
        return ""

    def _segment(self, words: Sequence[str], *, shown: bool) -> str:
        showing = writing = False
        skip = 0
        before = git = ""
        for word in words:
            name = word.rpartition("/")[2].lower()
            if word in ("<", ">"):
                before = word
                continue
            if before:
                if (before == "<") == shown and (found := self._word(word)):
                    return found
                before = ""
                continue
            if name == "git":
                git = "git"
            elif git == "git" and not word.startswith("-"):
                git = "shown" if name in _GIT_SHOWING else ""
                showing = showing or git == "shown"
            elif name in _SHOWING or word == ".":
                showing = True
                writing = writing or name == "tee"
                skip = 1 if name in _SCRIPTED else 0
            elif showing:
                if skip and word.startswith(("-e", "--regexp", "-f", "--file")):
                    skip = 0
                elif skip and not word.startswith("-"):
                    skip -= 1
                elif (shown or writing) and (found := self._word(word)):
                    return found
        return ""

    def _word(self, word: str) -> str:
        """A word of a command as a path; `HEAD:.env` and `@.env` name one as well."""
        word = word.lstrip("@").rstrip("\\")
        if found := self.match(word):
            return found
        return self.match(word.rpartition(":")[2]) if ":" in word else ""

    def without_lines(self, text: str) -> tuple[str, str]:
        """Text with the lines that a search found in matching files (`.env:3:KEY=…`) replaced, and
        the last pattern that did; the same text and "" if there is none.
        """
        last = ""
        pieces: list[str] = []
        done = 0
        for start in self._candidates(text):
            match = _LOOKED_THROUGH.match(text, start)
            pattern = self.match(match["path"].strip()) if match is not None else ""
            if match is None or not pattern or start < done:
                continue
            last = pattern
            end = text.find("\n", match.end())
            end = len(text) if end < 0 else end
            pieces += (text[done : match.end("path")], f":{placeholder(pattern)}")
            done = end
        return ("".join([*pieces, text[done:]]), last) if last else (text, "")

    def _candidates(self, text: str) -> list[int]:
        """Where lines begin whose path may match: those with a telling piece before any colon."""
        lowered = text.lower()
        if len(lowered) != len(text) or "" in self._literals:
            return [0, *(match.end() for match in _LINE.finditer(text))]
        found: set[int] = set()
        for literal in self._literals:
            place = lowered.find(literal)
            while place >= 0:
                start = lowered.rfind("\n", 0, place) + 1
                if lowered.find(":", start, place) < 0:
                    found.add(start)
                place = lowered.find("\n", place)
                if place >= 0:
                    place = lowered.find(literal, place)
        return sorted(found)


def placeholder(pattern: str) -> str:
    """What stands in place of content that was left out."""
    return f"[excluded:{pattern}]"


def clean(patterns: Iterable[object]) -> tuple[tuple[str, ...], str]:
    """The usable ones of foreign patterns, and what is wrong with the others (empty: nothing)."""
    found: list[str] = []
    problem = ""
    for pattern in patterns:
        if not isinstance(pattern, str) or not pattern.strip():
            problem = "a pattern is no text"
        elif len(pattern) > PATTERN_CHARACTERS or not pattern.isprintable():
            problem = f"a pattern is longer than {PATTERN_CHARACTERS} characters or not printable"
        elif len(found) >= MOST_PATTERNS:
            problem = f"more than {MOST_PATTERNS} patterns"
        else:
            found.append(pattern.strip())
    return tuple(found), problem


def _literal(pattern: str) -> str:
    """The longest piece of a pattern that stands in all that it matches."""
    last = pattern.strip().lower().replace("\\", "/").rstrip("/").rpartition("/")[2]
    return max(re.split(r"[*?\[]", last), key=len) if "[" not in last else ""


def _fits(wanted: Sequence[str], parts: Sequence[str], absolute: bool) -> bool:
    """Whether the last of `parts` (with `absolute`, all) are as wanted; `**` is any number.

    `reached` are the numbers of wanted parts that a beginning of the path can have used up.
    """
    reached = {0}
    for part in parts:
        after = set() if absolute else {0}
        for place in _closed(reached, wanted):
            if place == len(wanted):
                continue
            if wanted[place] == "**":
                after.add(place)
            elif _part(wanted[place]).match(part):
                after.add(place + 1)
        reached = after
    return len(wanted) in _closed(reached, wanted) and bool(parts)


def _closed(reached: set[int], wanted: Sequence[str]) -> set[int]:
    """With those that follow where `**` stands for nothing."""
    found = set(reached)
    for place, part in enumerate(wanted):
        if place in found and part == "**":
            found.add(place + 1)
    return found


@functools.lru_cache(maxsize=512)
def _part(wanted: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(wanted))
