"""Transcripts with secrets planted in them, and where each of them stands."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from bench.privacy_labels import blocks, places, scanners, vendors
from bench.privacy_labels.kind import Kind
from bench.privacy_labels.lines import ALONE, AROUND, NAMED, with_name
from bench.privacy_labels.wrappings import AGAIN, BESIDE, CLOSE, OPEN, wrapped
from opensession.core.hail import Event

KINDS: tuple[Kind, ...] = (*vendors.KINDS, *scanners.KINDS, *places.KINDS, *blocks.KINDS)


Span = tuple[int, int]


class Secret(NamedTuple):
    """A planted secret: where its characters stand (beginning and end in the text of `place`).

    `beside`: what is private as well, and neither asked for nor wrong.
    """

    kind: str
    set: str
    source: str
    template: str
    wrapping: str
    place: str
    parts: tuple[Span, ...]
    beside: tuple[Span, ...] = ()


class Sample(NamedTuple):
    """One event, and the secrets in it (none: a look-alike, which `group` names)."""

    event: Event
    group: str
    secrets: tuple[Secret, ...] = ()


def planted(seed: int, per_kind: int, kinds: tuple[Kind, ...] = KINDS) -> Iterator[Sample]:
    """So many samples of each kind, with one secret each."""
    for kind in kinds:
        random = Random(f"{seed}:{kind.name}")
        for number in range(per_kind):
            yield _sample(random, kind, number)


def _sample(random: Random, kind: Kind, number: int) -> Sample:
    value = _marked(kind.make(random))
    telling = bool(kind.names) and not (kind.alone and random.random() < 0.6)
    if telling and random.random() < 0.08:
        return _as_field(random, kind, value, number)
    if kind.lines:
        name, template = "its own", random.choice(kind.lines)
    elif telling:
        name, template = random.choice(list(NAMED.items()))
        template = with_name(template, random.choice(kind.names))
    else:
        name, template = random.choice(list(ALONE.items()))
    before, _, after = template.partition("{}")
    text = surrounded(random, before + value + after)
    text, wrapping = wrapped(random, text)
    clean, parts, beside = _unmarked(text)
    event, place = event_with(random, clean, f"{kind.name}-{number}")
    secret = Secret(kind.name, kind.set, kind.source, name, wrapping, place, parts, beside)
    return Sample(event, kind.name, (secret,))


def _marked(value: str) -> str:
    """`prefix|secret|rest` with marks round what must not be seen, line by line."""
    prefix, _, rest = value.partition("|")
    body, _, after = rest.partition("|")
    first, *more = body.split(blocks.BROKEN)
    lines = [OPEN + first + CLOSE, *(AGAIN + line + CLOSE for line in more)]
    return prefix + "\n".join(lines) + after


def _unmarked(text: str) -> tuple[str, tuple[Span, ...], tuple[Span, ...]]:
    """The text without marks, what they enclosed, and what stands beside it."""
    clean: list[str] = []
    spans: dict[bool, list[Span]] = {True: [], False: []}
    size = start = 0
    asked = True
    for char in text:
        if char in (OPEN, AGAIN, BESIDE):
            start, asked = size, char != BESIDE
        elif char == CLOSE:
            spans[asked].append((start, size))
        else:
            clean.append(char)
            size += 1
    return "".join(clean), tuple(spans[True]), tuple(spans[False])


def surrounded(random: Random, text: str) -> str:
    before = random.choices(AROUND, k=random.randint(0, 5))
    after = random.choices(AROUND, k=random.randint(0, 5))
    return "\n".join([*before, text, *after])


def event_with(random: Random, text: str, event_id: str) -> tuple[Event, str]:
    """An event of a transcript with this text, and the text's place in it."""
    block: dict[str, Any] = {"type": "Text", "text": text}
    data: dict[str, Any] | None = None
    place = "blocks[0].text"
    match random.randrange(8):
        case 0:
            kind = "UserMessage"
        case 1:
            kind = "AgentMessage"
        case 2:
            kind = "Thinking"
        case 3:
            kind, data, place = "ShellCommand", {"command": text}, "data.command"
        case 4:
            kind, data = "ToolCall", {"name": "write_file"}
            block = {"type": "Json", "data": {"path": "notes.txt", "content": text}}
            place = "blocks[0].data.content"
        case 5:
            kind, data = "FileEdit", {"path": "src/app.py", "diff": text}
            place = "data.diff"
        case _:
            kind, data = "ToolResult", {"name": "Bash", "is_error": False}
            block = {"type": "Code", "code": text}
            place = "blocks[0].code"
    blocks_ = [] if place.startswith("data") else [block]
    made = Event(event_id=event_id, time_us=1, type=kind, data=data, blocks=blocks_)
    return made, place


def _as_field(random: Random, kind: Kind, value: str, number: int) -> Sample:
    """The value as a field of a tool's arguments: JSON that is no text."""
    name = random.choice(kind.names)
    if random.random() < 0.5:
        name = with_name("{c}", name)
    clean, parts, beside = _unmarked(value)
    event = Event(
        event_id=f"{kind.name}-{number}",
        time_us=1,
        type="ToolCall",
        data={"name": "configure"},
        blocks=[{"type": "Json", "data": {"region": "eu", name: clean}}],
    )
    place = f"blocks[0].data.{name}"
    secret = Secret(kind.name, kind.set, kind.source, "field", "structured", place, parts, beside)
    return Sample(event, kind.name, (secret,))


def split(seed: int, per_kind: int = 1) -> Iterator[tuple[list[Event], Secret]]:
    """Messages that came in two pieces, the cut within a secret with a form of its own."""
    for kind in KINDS:
        if not kind.alone:
            continue
        random = Random(f"{seed}:split:{kind.name}")
        for number in range(per_kind):
            value, parts, _ = _unmarked(_marked(kind.make(random)))
            (start, end), *_ = parts
            cut = random.randint(start + 2, end - 2)
            before = "\n".join(random.choices(AROUND, k=4)) + "\nI use "
            after = " for this.\n" + "\n".join(random.choices(AROUND, k=4))
            pieces = (before + value[:cut], value[cut:] + after)
            events = [
                Event(
                    event_id=f"{kind.name}-{number}-{place}",
                    time_us=place,
                    type="AgentMessage",
                    blocks=[{"type": "Text", "text": piece}],
                    attributes={"message_id": f"m-{kind.name}-{number}"},
                )
                for place, piece in enumerate(pieces)
            ]
            span = (len(before) + start, len(before) + end)
            yield (
                events,
                Secret(kind.name, kind.set, kind.source, "split", "plain", "", (span,)),
            )
