"""Places of real transcripts that a person read and labelled; the values are not kept.

A line of `hand.tsv` is: the beginning of the session's id and of the SHA-256 of the text, where in
the text the place begins and ends (characters), and its kind, `none` for nothing private. Read
were: every place after a telling name, every mail address and every login in an address, 300
random words that look random, and 200 random home folders, in eight public transcripts of Claude
Code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from opensession.core.hail import Event
from opensession.core.privacy.stripper import Stripper
from opensession.parsers.agent import Cursor, Root
from opensession.parsers.claude_code import AGENT

FOLDER = Path("claude-code/public")
_LABELS = Path(__file__).with_name("hand.tsv")
_LEVELS = 8


class Judged(NamedTuple):
    """What the labels say of the findings in the transcripts that were labelled."""

    right: int
    wrong: int
    unlabelled: int
    missed: int
    labels: int
    """Labels whose text is in the transcripts as they are read today."""


def labels() -> dict[tuple[str, str], list[tuple[int, int, str]]]:
    """The labelled places by session and text."""
    made: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
    for line in _LABELS.read_text("ascii").splitlines():
        session, digest, start, end, kind = line.split("\t")
        made.setdefault((session, digest), []).append((int(start), int(end), kind))
    return made


def judge(stripper: Stripper, corpus: Path) -> Judged:
    """Compare what is found in the transcripts below `corpus` with the labels.

    A home folder without a label is right if it is the one that all labelled ones are.
    """
    wanted = labels()
    right = wrong = missed = 0
    homes = set()
    open_findings: list[str] = []
    seen: set[tuple[str, str]] = set()
    for session, event in _events(corpus / FOLDER):
        for text in texts([event.data, event.blocks, event.attributes]):
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
            places = wanted.get((session, digest), [])
            first = (session, digest) not in seen
            seen.add((session, digest))
            found = stripper.find_text(text)
            for finding in found:
                kinds = {
                    kind
                    for start, end, kind in places
                    if start < finding.end and finding.start < end
                }
                if not kinds:
                    open_findings.append(text[finding.start : finding.end])
                elif kinds == {"none"}:
                    wrong += 1
                else:
                    right += 1
                    homes.add(text[finding.start : finding.end])
            if first:
                missed += sum(
                    kind != "none" and not any(f.start <= start and end <= f.end for f in found)
                    for start, end, kind in places
                )
    right += sum(value in homes for value in open_findings)
    unlabelled = sum(value not in homes for value in open_findings)
    known = sum(len(places) for key, places in wanted.items() if key in seen)
    return Judged(right, wrong, unlabelled, missed, known)


def events(corpus: Path) -> list[Event]:
    """The events of the transcripts below `corpus`; none where there are none."""
    return [event for _, event in _events(corpus / FOLDER)]


def texts(root: Any) -> Iterator[str]:
    """Every text below a JSON value, but for signatures, which nobody can read."""
    if isinstance(root, str):
        yield root
    elif isinstance(root, dict):
        for key, value in root.items():
            if key != "signature":
                yield from texts(value)
    elif isinstance(root, list):
        for value in root:
            yield from texts(value)


def _events(folder: Path) -> Iterator[tuple[str, Event]]:
    for path in sorted(folder.rglob("*.jsonl")):
        for parent in [*path.parents][:_LEVELS]:
            source = AGENT.source_of(Root(AGENT.name, str(parent)), str(path))
            if source is not None:
                break
        else:
            continue
        cursor: Cursor | None = None
        more = True
        while more:
            delta = AGENT.read(source, cursor)
            cursor, more = delta.cursor, delta.more
            for session in delta.sessions:
                yield from ((session.info.id[:8], event) for event in session.events)
