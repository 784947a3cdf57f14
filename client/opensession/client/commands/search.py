"""`opensession search`: where something was said or done."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from opensession.client import output
from opensession.client.options import AsJson, NoStart
from opensession.client.start import reach
from opensession.core.errors import UsageError
from opensession.core.rpc.search import SearchParams, SearchResult

_PAGE = 200

_VALUES = {
    "role": "role: user, assistant, thinking, tool, system",
    "star": "star: yes, no",
    "since": "since: 7d, 12h, 2026-05-01",
    "before": "before: 7d, 12h, 2026-05-01",
}
_MATCHED = {"any": "no event has all of these words: shown are those that have some"}


def search(
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help="Words and filters.")],
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, metavar="N", help="How many hits.")
    ] = 20,
    json: AsJson = False,
    substring: Annotated[
        bool, typer.Option("--substring", "-F", help="Find the exact text, as it stands.")
    ] = False,
    regex: Annotated[bool, typer.Option("--regex", "-E", help="QUERY is an expression.")] = False,
    session: Annotated[str, typer.Option(metavar="REF", help="Only in this session.")] = "",
    no_start: NoStart = False,
) -> None:
    """Full-text search in all sessions; `project:.` narrows to this repository.

      opensession search 'rate limit'
      opensession search '"exact phrase" OR prefix*' since:30d
      opensession search limiter role:user agent:codex file:src/app.py
      opensession search --substring 'hits.length > limit'
      opensession search --regex 'TODO\\(\\w+\\)' --json

    Filters: agent: project: branch: file: role: since: before: session: tag: star:
    """
    if substring and regex:
        raise UsageError("--substring and --regex exclude each other")
    words = " ".join(query)
    if not words.strip():
        raise UsageError("an empty query finds nothing", "opensession search 'rate limit'")
    params = SearchParams(
        query=words,
        limit=min(limit, _PAGE),
        scope=str(Path.cwd()),
        substring=substring,
        regex=regex,
        session=session,
    )
    with reach(no_start=no_start) as daemon:
        found = page = daemon.call("search.query", params, SearchResult)
        hits = list(found.hits)
        while page.next and len(hits) < limit:
            further = msgspec.structs.replace(
                params, cursor=page.next, limit=min(_PAGE, limit - len(hits))
            )
            page = daemon.call("search.query", further, SearchResult)
            hits += page.hits
        found = msgspec.structs.replace(found, hits=hits, next=page.next)
    if json:
        output.emit_json(found)
        output.note_scope([], found.indexing)
        return
    from opensession.client.render import hits as render
    from opensession.client.render.words import line

    screen = output.screen_of(sys.stdout)
    output.emit(render.hit_lines(found, screen, time.time_ns() // 1000))
    said = [_MATCHED[found.matched]] if found.matched in _MATCHED and found.hits else []
    said += [
        f"{line(each)} is no filter, and was looked for as words ({_VALUES[name]})"
        for each in found.as_words
        if (name := each.lstrip("-").partition(":")[0]) in _VALUES
    ]
    output.note_scope([*said, render.closing_line(found)], found.indexing)
