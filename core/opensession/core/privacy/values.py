"""Which values are no secrets though a secret's name stands before them: placeholders, variables,
types, code.
"""

from __future__ import annotations

import functools
import re

_JUDGED = 160
"""Bytes of a value that are looked at: what is longer is judged by its beginning."""

_DONE = re.compile(
    rb"\[redacted[_:\]]|[\[<(*]{0,3}(?:redacted|filtered|hidden|masked)[\])>*]{0,3}\Z", re.I
)
_RULE = re.compile(rb"([^A-Za-z0-9\x80-\xff])\1*\Z|(?:\xe2[\x94\x95][\x80-\xbf])+\Z")
_NUMBER = re.compile(rb"[+-]?[0-9][0-9_.,]{0,4}\Z")
_MASKED = re.compile(
    rb"[^\s\"']{0,12}(?:\.{3,}|\xe2\x80\xa6|\*{2,}|(?:\xe2\x80\xa2){2,})\Z"
    rb"|(?:[^\s\"']{0,12}[^A-Za-z0-9\s])?[xX]{3,}\Z"
)
_VARIABLE = re.compile(
    rb"\$[A-Za-z_({\[]|\$env:|%[A-Za-z_]\w*%\Z|\{\{|#\{|\$\$|\{[A-Za-z_][\w.]*\}\Z|<[^<>]*>\Z|`"
    rb"|@[A-Za-z]+[({]|(?:op|vault|ssm|keyring|file|env):|arn:aws|env\.|secrets\."
)
_INSIDE = re.compile(rb"\$\{|\$\(|\{\{|#\{|<[A-Za-z_ -]+>")
_PLACE = re.compile(
    rb"(?:~|\.{1,2})/|/(?:home|Users|etc|run|var|tmp|opt|usr|root|mnt|dev|private|Library)/"
    rb"|[A-Za-z]:\\"
)
_CODE_ROOT = re.compile(
    rb"(?:process|os|import|env|ENV|config|settings|secrets|self|this|std|System|sys|ctx|req|args"
    rb"|options|opts|props|state|context|data|params|payload|request|response|res|input)"
    rb"(?:\??\.|\[|::|->)[A-Za-z_]"
)
_TYPE = re.compile(
    rb"(?:(?:string|str|strings|number|int|integer|bool|boolean|bytes|byte|float|double|char|object|any"
    rb"|unknown|void|never|null|nil|none|undefined|true|false|yes|no|optional|list|dict|array|tuple"
    rb"|uuid|date|datetime|text|varchar|jsonb?|blob|buffer|usize|isize|secretstr|self|default"
    rb"|include|omit|same-origin|inherit|required|auto|write|read|admin|stdin|function|const|let|var|new|await|async|return"
    rb"|static|readonly|public|private|protected|final|import|export|from|if|else|not|and|or|is|in"
    rb"|on|off|empty|missing|invalid|valid|the|this|that|with|for|an?|to|by|of|was|were|are|has"
    rb"|[uif](?:8|16|32|64|128)|u?int(?:8|16|32|64)|float(?:32|64))(?:\b[^a-z0-9]*\Z))",
    re.I,
)
_STYLE = re.compile(rb"#(?:[0-9a-fA-F]{3,8}|[a-z]+(?:-[a-z]+)*)\Z")
# All of them as one: nearly every value is asked for all.
_NONE = re.compile(
    b"|".join(
        b"(?%s:%s)" % (b"i" if each.flags & re.I else b"", each.pattern)
        for each in (_RULE, _DONE, _NUMBER, _VARIABLE, _MASKED, _PLACE, _TYPE, _STYLE)
    )
)
_CALL = re.compile(rb"[A-Za-z_$!&*][A-Za-z0-9_.$:?!]*(?:[(\[{<])")
_IDENTIFIER = re.compile(rb"[A-Za-z_$][A-Za-z0-9_$]*\Z")
_DOTTED = re.compile(rb"[&*!]?[A-Za-z_$][\w$]*(?:\??(?:\.|::|->)[A-Za-z_$][\w$]*)+\Z", re.ASCII)
_SIGIL = re.compile(rb"[&*!]+(?:'[a-z]+)?(?:mut )?[A-Za-z_]\w*\Z", re.ASCII)
_WORDS = re.compile(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_VOCABULARY = frozenset(
    b"""your my the a an some test fake dummy example sample secret secrets token tokens key keys
    api access private password passwd pass value here client auth default placeholder insert enter
    replace me change changeme with todo foo bar baz hidden user name username app server service id
    new old valid invalid wrong bad good any not set unset mock stub sk pk ghp github openai
    anthropic aws google slack stripe credential credentials db database jwt bearer basic xxx xxxx
    string num here for tests testing production prod development dev staging replaceme pat in to
    is no goes local localhost env variable vault ci gh""".split()
)
_TELLING = re.compile(rb"token|secret|passw|pwd|key|cred|auth", re.I)
_TRAILING_NUMBER = re.compile(rb"[A-Za-z_]+[0-9]{1,2}\Z")


def is_placeholder(value: bytes) -> bool:
    """Reports whether a value, quoted or not, stands for another one or is none at all."""
    if b"[redacted:" in value:
        return True  # what was in it is taken out
    return _is_none(value[:_JUDGED].strip())


@functools.lru_cache(maxsize=4096)
def _is_none(trimmed: bytes) -> bool:
    if not trimmed or _NONE.match(trimmed):
        return True
    if (b"{" in trimmed or b"<" in trimmed or b"$(" in trimmed) and _INSIDE.search(trimmed):
        return True
    return _is_vocabulary(trimmed)


def _is_vocabulary(value: bytes) -> bool:
    """Reports whether a value is made of the words that examples are made of, such as
    `YOUR_API_KEY_HERE`, `my-secret`.
    """
    words = _WORDS.findall(value)
    if not words or any(word.lower() not in _VOCABULARY for word in words):
        return False
    return value.isascii()


def is_code(value: bytes, *, upper: bool, config: bool, ends_statement: bool) -> bool:
    """Reports whether an unquoted value is an expression, a type or a variable.

    `upper`: a variable of the environment (`TOKEN=…`) whose value is taken unless it is plainly
    code. `config`: the assignment stands alone, as in configuration files and flags.
    `ends_statement`: a comma or semicolon followed, as in code.
    """
    return _is_code(value[:_JUDGED], upper, config, ends_statement)


@functools.lru_cache(maxsize=4096)
def _is_code(value: bytes, upper: bool, config: bool, ends_statement: bool) -> bool:
    if value[:1] in (b"(", b"[", b"{", b"<", b"|") or _CALL.match(value) or _CODE_ROOT.match(value):
        return True
    if upper:
        return False
    if _SIGIL.match(value) or value[:1] in (b"#", b"@", b"%"):
        return True
    if _DOTTED.match(value):
        return not any(
            len(part) >= 20 and re.search(rb"[0-9]", part) for part in re.split(rb"\W+", value)
        )
    has_digit = re.search(rb"[0-9]", value) is not None
    if _IDENTIFIER.match(value):
        if has_digit:
            return not config and (len(value) < 8 or bool(_TRAILING_NUMBER.match(value)))
        return (
            not config
            or ends_statement
            or len(value) < 4
            or not (value.islower() or is_scrambled(value))
            or _TELLING.search(value) is not None
        )
    if config:
        return not has_digit and _TELLING.search(value) is not None
    return not has_digit or len(value) < 8


_RANDOM = re.compile(rb"[A-Za-z0-9_+/-]{20,}={0,2}\Z")
_HEX = re.compile(rb"(?:0x)?[0-9a-fA-F-]+\Z")
_RUN = re.compile(rb"[A-Za-z]+|[0-9]+")


def is_random(value: bytes) -> bool:
    """Reports whether a value can only have been made by chance, and is no hash and no UUID: its
    letters and digits change places again and again.
    """
    return _is_random(value[:_JUDGED])


@functools.lru_cache(maxsize=4096)
def _is_random(value: bytes) -> bool:
    if not _RANDOM.match(value) or _HEX.match(value) or value[:1] in b"/.":
        return False
    runs = _RUN.findall(value)
    if sum(map(len, runs)) < len(value) - len(value) // 8 - 2:
        return False
    changes = len(runs) - 1 + len(_CASES.findall(value))
    return re.search(rb"[0-9]", value) is not None and changes * 4 >= len(value)


def is_scrambled(value: bytes) -> bool:
    """Reports whether a value of letters alone was made by chance: capitals stand where no word
    begins. `getHTTPResponse` is none.
    """
    if not 10 <= len(value) <= 64 or not value.isalpha() or not value.isascii():
        return False
    words = _WORDS.findall(value)
    return len(words) * 3 > len(value) and len(_CASES.findall(value)) >= 4


_CASES = re.compile(rb"[a-z](?=[A-Z])|[A-Z](?=[a-z])")
_SAYS_SO = re.compile(
    rb"(?i)(?:\A|[_-])(?:your|example|placeholder|dummy|changeme|redacted|insert|here|sample)(?:[_-]|\Z)"
    rb"|\.{3}|\*{3}"
)
_TAIL = 12
_NO_LETTERS = bytes(each for each in range(256) if not (each < 128 and chr(each).isalnum()))


def is_fake(value: bytes) -> bool:
    """Reports whether a value has the form of a secret and stands for one: it says so in words, or
    it is one sign again and again.

    That a value counts up or says EXAMPLE within is no reason: keys are made of any signs, and
    prefix, length and alphabet decide (DECISIONS §5).
    """
    return _is_fake(value) if len(value) <= _JUDGED else _says_so(value)


def _says_so(value: bytes) -> bool:
    return _SAYS_SO.search(value) is not None or is_repeated(value)


_is_fake = functools.lru_cache(maxsize=4096)(_says_so)


def is_repeated(value: bytes) -> bool:
    """Reports whether a value ends in one sign again and again, as `ghp_xxxxxxxx`."""
    body = value[-2 * _TAIL :].translate(None, _NO_LETTERS)[-_TAIL:]
    return len(body) >= 4 and len(set(body)) == 1
