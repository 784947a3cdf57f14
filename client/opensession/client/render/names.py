"""What people call their sessions, in lists and in headings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opensession.client.output import Screen
from opensession.client.render import numbers
from opensession.client.render.cells import cut, pad, width
from opensession.client.render.words import line, lines
from opensession.core.rpc.names import NamedSession, TagCount
from opensession.core.rpc.sessions import SessionRow

STAR = "★"


def tags_of(tool: str, tags: Iterable[str]) -> str:
    """The tags that people gave, as `#wip #auth`; the agent's name, which is one too, is left
    out.
    """
    return " ".join(f"#{line(tag)}" for tag in tags if tag != tool)


def heading_lines(row: SessionRow, screen: Screen) -> Iterator[str]:
    """What a session is called beside its title: star and tags, its own title, the note."""
    facts = [STAR if row.starred else "", tags_of(row.tool, row.tags)]
    if row.alias and row.native_title:
        facts.append(f"its own title: {line(row.native_title)}")
    said = "  ".join(fact for fact in facts if fact)
    if said:
        yield screen.yellow(cut(said, screen.line_width))
    for each in lines(row.note.strip("\n")) if row.note else ():
        yield f"{screen.dim('note:')} {each}".rstrip()


def session_lines(sessions: list[NamedSession], screen: Screen) -> Iterator[str]:
    """A line a session, and a line for its note."""
    tools = max((width(line(each.tool)) for each in sessions), default=0)
    for each in sessions:
        title = line(each.title) or ("(no title)" if each.indexed else f"({line(each.id)})")
        about = [STAR if each.starred else "", screen.bold(title), tags_of("", each.tags)]
        if not each.indexed:
            about.append(screen.dim("not in the index"))
        said = "  ".join(fact for fact in about if fact)
        yield f"{screen.cyan(each.short)}  {pad(line(each.tool), tools)}  {said}"
        if each.note:
            yield " " * 10 + screen.dim(cut(line(each.note), screen.line_width - 10))


def tag_lines(tags: list[TagCount], screen: Screen) -> Iterator[str]:
    """A line a tag."""
    names = max((width(line(each.tag)) for each in tags), default=0)
    for each in tags:
        name = pad(line(each.tag), names)
        yield f"{screen.cyan(name)}  {numbers.count(each.sessions, 'session')}"
