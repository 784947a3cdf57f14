"""Search hits, grouped by session, with the words that were found marked."""

from __future__ import annotations

from collections.abc import Iterator

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.cells import cut, pad, pad_left, width
from opensession.client.render.names import STAR, tags_of
from opensession.client.render.sessions import SOURCES
from opensession.client.render.words import line, time_us
from opensession.core.rpc.search import Hit, SearchResult

_OPEN, _CLOSE = "«", "»"


def hit_lines(found: SearchResult, screen: Screen, now_us: int) -> Iterator[str]:
    """A heading a session, a line a hit. The best session comes first, its hits in order."""
    for hits in grouped(found.hits):
        yield _heading(hits, screen, now_us)
        columns = max(len(str(hit.seq)) for hit in hits) + 1
        roles = max(max(width(line(hit.role)) for hit in hits), 4)
        for hit in hits:
            number = pad_left(f"#{hit.seq}" if hit.seq else "", columns)
            role = pad(line(hit.role) if hit.seq else "title", roles)
            room = screen.width - 2 - columns - 1 - roles - 1
            text = marked(cut_around(line(hit.snippet), room), screen)
            yield f"  {screen.dim(number)} {screen.dim(role)} {text}"


def grouped(hits: list[Hit]) -> list[list[Hit]]:
    """Hits by session, sessions in the order of their best hit."""
    groups: dict[tuple[str, str], list[Hit]] = {}
    for hit in hits:
        groups.setdefault((hit.tool, hit.session_id), []).append(hit)
    return [sorted(group, key=lambda hit: hit.seq) for group in groups.values()]


def _heading(hits: list[Hit], screen: Screen, now_us: int) -> str:
    first = hits[0]
    newest = max(time_us(hit.timestamp) or 0 for hit in hits) or None
    count = numbers.count(len(hits), "hit")
    facts = [line(first.project), first.short, line(first.tool), numbers.ago(newest, now_us)]
    if first.source:
        facts.append(SOURCES.get(first.source, first.source))
    if first.alias:
        facts.insert(1, line(first.alias))
    if first.starred:
        facts.append(STAR)
    if tags := tags_of(first.tool, first.tags):
        facts.append(tags)
    plain = " · ".join(fact for fact in facts if fact)
    room = screen.width - width(count) - 2
    if width(plain) > room:
        facts[0] = cut(facts[0], max(0, width(facts[0]) - (width(plain) - room)))
        plain = cut(" · ".join(fact for fact in facts if fact), room)
    styled = plain.replace(first.short, screen.cyan(first.short), 1)
    return styled + " " * max(2, screen.width - width(plain) - width(count)) + screen.dim(count)


def cut_around(snippet: str, columns: int) -> str:
    """A snippet cut to a width so that its first mark stays in sight."""
    start = snippet.find(_OPEN)
    end = snippet.find(_CLOSE, start) + 1
    if width(snippet) <= columns or start < 0 or width(snippet[: end or None]) <= columns - 1:
        return _balanced(cut(snippet, columns))
    keep = max(0, start - columns // 3)
    return _balanced(cut("…" + snippet[keep:].lstrip(), columns))


def _balanced(snippet: str) -> str:
    """A mark that was cut open is closed, in place of the last character."""
    if snippet.rfind(_OPEN) > snippet.rfind(_CLOSE):
        return snippet[:-1] + _CLOSE
    return snippet


def marked(snippet: str, screen: Screen) -> str:
    """The marks, in colour as well where there is colour."""
    if not screen.color:
        return snippet
    parts = []
    for piece in snippet.split(_OPEN):
        found, close, rest = piece.partition(_CLOSE)
        parts.append(screen.yellow(f"{_OPEN}{found}{_CLOSE}") + rest if close else piece)
    return "".join(parts)


def closing_line(found: SearchResult) -> str:
    """How many, where, how fast, and how to open one."""
    if not found.hits:
        return "no hits"
    total = f"{numbers.grouped(found.total)}{'+' if found.truncated else ''}"
    said = f"{total} {'hit' if found.total == 1 else 'hits'} in "
    said += numbers.count(found.sessions, "session")
    shown = len(found.hits)
    if shown < found.total:
        said = f"{numbers.grouped(shown)} of {said}"
    best = found.hits[0]
    ref = f"{best.short}#{best.seq}" if best.seq else best.short
    said += f", {numbers.span(found.elapsed_ms / 1000) if found.elapsed_ms >= 1000 else _ms(found)}"
    return f"{said} · open one with `opensession show {ref}`"


def _ms(found: SearchResult) -> str:
    return f"{max(1, round(found.elapsed_ms))} ms"
