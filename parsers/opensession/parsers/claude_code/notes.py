"""What records say of a session as a whole: where it ran, what it is called, whence it came."""

from __future__ import annotations

from opensession.core.ids import fit
from opensession.parsers.claude_code.records import Fork, Record
from opensession.parsers.claude_code.state import AGENT_NAME, LISTED, TITLE_CHARS, State
from opensession.parsers.decoding import beginning


def keep(state: State, record: Record) -> None:
    """Keeps a record's folder, branch, version and session."""
    cwd = record.cwd
    if cwd and cwd != state.last_cwd:
        state.last_cwd = cwd
        state.cwd = state.cwd or cwd
        _list(state.cwds, cwd)
    branch = record.git_branch
    if branch and branch != "HEAD":
        state.branch = state.branch or branch
        _list(state.branches, branch)
    if record.version:
        state.version = record.version
    if record.entrypoint:
        state.entrypoint = record.entrypoint
    if record.session_id:
        native = fit(AGENT_NAME, record.session_id)
        if state.auxiliary:
            state.parent = state.parent or native
        elif native != state.own.id:
            _list(state.related, native)


def relate(state: State, record: Record) -> None:
    """Keeps which session a record was copied from, and whether it is what a title names."""
    for leaf, summary in state.summaries_ahead:
        if leaf == record.uuid:
            state.summary = summary
    fork = record.forked_from
    origin = fork.session_id if isinstance(fork, Fork) else fork
    if origin and (native := fit(AGENT_NAME, origin)) != state.own.id:
        _list(state.related, native)


def entitle(state: State, leaf: str, summary: str) -> bool:
    """Takes a title that names a record; says whether that record is among the newest here.

    Claude Code writes the titles of other conversations into a session's file as well, mostly at
    its beginning: such a title counts only if its record comes.
    """
    summary = beginning(summary.strip(), TITLE_CHARS)
    if leaf in state.ids:
        state.summary = summary
        return True
    state.summaries_ahead.append((leaf, summary))
    del state.summaries_ahead[:-LISTED]
    return False


def _list(values: list[str], value: str) -> None:
    if value not in values and len(values) < LISTED:
        values.append(value)
