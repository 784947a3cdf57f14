"""What is read from the command line before any command: pure functions over its words."""

from __future__ import annotations

_FIELD_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz_,")
ALL_FIELDS = "*"
_JSON_FORMATS = ("json", "jsonl", "stream", "hail")


def wants_json(words: list[str]) -> bool:
    """Reports whether errors are to be JSON: `--json` or a format made of JSON was asked for."""
    before = _options(words)
    for position, word in enumerate(before):
        if word == "--json" or word.startswith("--json="):
            return True
        if word.startswith("--format=") and word[9:] in _JSON_FORMATS:
            return True
        if word == "--format" and before[position + 1 : position + 2] in [
            [name] for name in _JSON_FORMATS
        ]:
            return True
    return False


def take_flag(words: list[str], flag: str) -> tuple[bool, list[str]]:
    """Reports whether a flag stands before any `--`, and the words without it."""
    before = _options(words)
    kept = [word for word in before if word != flag]
    return len(kept) != len(before), kept + words[len(before) :]


def settle_json_fields(words: list[str], known: tuple[str, ...]) -> list[str]:
    """The words with `--json [FIELDS]` as one word each.

    A following word is taken only if it is made of field names and commas; alone, `--json` means
    all fields (DECISIONS §11). A word of which no part is a known field is left where it is.
    """
    before = _options(words)
    settled: list[str] = []
    position = 0
    while position < len(before):
        word = before[position]
        position += 1
        if word != "--json":
            settled.append(word)
            continue
        following = before[position] if position < len(before) else ""
        fields = following.split(",") if _FIELD_LETTERS.issuperset(following) else []
        if any(field in known for field in fields):
            settled.append(f"--json={following}")
            position += 1
        else:
            settled.append(f"--json={ALL_FIELDS}")
    return settled + words[len(before) :]


def settle_optional(words: list[str], option: str, alone: str) -> list[str]:
    """The words with `option [VALUE]` as one word: `alone` where no value follows."""
    before = _options(words)
    settled: list[str] = []
    taken = False
    for word, following in zip(before, [*before[1:], "--"], strict=False):
        if taken:
            taken = False
        elif word == option:
            taken = not following.startswith("-") or following == "-"
            settled.append(f"{option}={following if taken else alone}")
        else:
            settled.append(word)
    return settled + words[len(before) :]


def _options(words: list[str]) -> list[str]:
    return words[: words.index("--")] if "--" in words else words
