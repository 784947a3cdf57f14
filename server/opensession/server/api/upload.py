"""Taking sessions in: events as they come, and whole sessions."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Annotated

import msgspec
from aiohttp import web

from opensession.core import ids
from opensession.core.hail_lines import Header
from opensession.core.hub import (
    DEVICE_HEADER,
    Receipt,
    chain_start,
    hub_session_key,
    is_device,
)
from opensession.core.timeparse import format_time, parse_time
from opensession.core.validate import validate
from opensession.server import score
from opensession.server.access import Caller
from opensession.server.api.errors import ApiError, Code
from opensession.server.api.route import Answer, Route
from opensession.server.receiving.about import MAX_TEXT, header_and_about
from opensession.server.receiving.decode import ENCODINGS, BadEncoding, TooLarge
from opensession.server.receiving.door import MAX_FINDINGS
from opensession.server.receiving.lines import BadLine, Prepared, first_line
from opensession.server.receiving.spool import Spool
from opensession.server.receiving.whole import Beside, read_whole
from opensession.server.state import Hub
from opensession.server.storage.interface import About, Batch, Key, Refusal, Stored
from opensession.server.storage.listing import now_us

LINES = "application/x-ndjson"
UPLOAD_DEVICE = "upload"
_TRIES = 4

Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Seq = Annotated[int, msgspec.Meta(ge=1, le=(1 << 24) - 1)]
Short = Annotated[str, msgspec.Meta(max_length=128)]
Chain = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class EventsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`core.hub.Position`, and what may be said of the publication beside it."""

    generation: Count
    rewind: Count
    first: Seq = msgspec.field(name="from")
    chain: Chain
    device: Short
    agent: Short
    expires: Short = ""
    team_id: Short = ""
    parent: Annotated[list[Short], msgspec.Meta(max_length=100)] = []


class WholeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said of an uploaded session."""

    expires: Short = ""
    team_id: Short = ""
    parent: Annotated[list[Short], msgspec.Meta(max_length=100)] = []
    score_plugin: Short = ""


async def put_events(hub: Hub, caller: Caller, request: web.Request, query: EventsQuery) -> Answer:
    """The events of a request, after what is there."""
    key = _key(caller, query.device, query.agent, request.match_info["id"])
    expires_us = _expiry(query.expires)
    with _told(), hub.receiver.spool() as spool:
        await hub.receiver.receive(request, spool)
        line = first_line(spool)
        header, said = _header(line)
        if header.session_id != key.id:
            raise ApiError("bad_request", "line 1: the header is of another session")
        chain = bytes.fromhex(query.chain)
        prepared = await hub.receiver.prepare(spool, len(line) + 1, query.first, chain)
        if query.first + len(prepared.hashes) >= 1 << 24:
            raise ApiError("invalid", "a session has at most 16777215 events")
        batch = Batch(
            key=key,
            generation=query.generation,
            rewind=query.rewind,
            first=query.first,
            chain=chain,
            header=line,
            about=said,
            lines=prepared.lines,
            hashes=prepared.hashes,
            ends=prepared.ends,
            facts=prepared.facts,
            expires_us=expires_us,
            team=query.team_id,
            links=tuple(query.parent),
        )
        stored = await hub.storage.take(batch)
    return _receipt(hub, key, stored, prepared)


async def post_session(hub: Hub, caller: Caller, request: web.Request, query: WholeQuery) -> Answer:
    """A whole session: it continues what is there, or is a new generation of it."""
    device = request.headers.get(DEVICE_HEADER, UPLOAD_DEVICE)
    expires_us = _expiry(query.expires)
    with _told(), hub.receiver.spool() as body, hub.receiver.spool() as lines:
        await hub.receiver.receive(request, body)
        line, beside = await hub.receiver.work(lambda: read_whole(body, lines))
        header, said = _header(line)
        if violations := [one for one in validate(header, ()) if one.kind != "EmptySession"]:
            raise ApiError("invalid", "the header: " + "; ".join(o.message for o in violations))
        agent = header.agent.tool
        key = _key(caller, device, agent, ids.fit(agent, header.session_id))
        plugin = beside.score_plugin or query.score_plugin
        if plugin and plugin not in score.names():
            raise ApiError(
                "bad_request", "no such score plugin", "one of " + ", ".join(score.names())
            )

        def batch(generation: int, rewind: int, chain: bytes, prepared: Prepared) -> Batch:
            return Batch(
                key=key,
                generation=generation,
                rewind=rewind,
                first=1,
                chain=chain,
                header=line,
                about=_about(said, beside),
                lines=prepared.lines,
                hashes=prepared.hashes,
                ends=prepared.ends,
                facts=prepared.facts,
                expires_us=expires_us,
                team=beside.team_id or query.team_id,
                links=(*query.parent, *beside.linked_session_ids),
                score_plugin=plugin,
                body_url=beside.body_url or "",
                pr=_pull_request(beside),
            )

        return await _take_whole(hub, key, lines, batch)


async def _take_whole(
    hub: Hub, key: Key, lines: Spool, batch: Callable[[int, int, bytes, Prepared], Batch]
) -> Answer:
    """Tries the generation that is there, then the next."""
    have = await hub.storage.have(key)
    generation, rewind = max(1, have.generation + have.gone), 0 if have.gone else have.rewind
    name = hub_session_key(key.owner, key.device, key.agent, key.id)
    for _ in range(_TRIES):
        chain = chain_start(name, generation)
        prepared = await hub.receiver.prepare(lines, 0, 1, chain)
        try:
            stored = await hub.storage.take(batch(generation, rewind, chain, prepared))
        except Refusal as refusal:
            generation, rewind = refusal.have.generation + 1, 0
        else:
            return _receipt(hub, key, stored, prepared)
    raise ApiError("unavailable", "the session changes all the time", retry_after=1)


def _receipt(hub: Hub, key: Key, stored: Stored, prepared: Prepared) -> Answer:
    receipt = Receipt(
        id=key.id,
        url=f"{hub.base_url}/api/sessions/{key.id}",
        generation=stored.generation,
        rewind=stored.rewind,
        seq=stored.seq,
        chain=stored.chain.hex(),
        session_score=stored.score,
        score_plugin=stored.score_plugin,
        findings=prepared.findings[:MAX_FINDINGS],
        expires_at=None if stored.expires_us is None else format_time(stored.expires_us),
    )
    return Answer(receipt, 201 if stored.created else 200)


def _key(caller: Caller, device: str, agent: str, id: str) -> Key:
    if not caller.account:
        raise ApiError("forbidden", "sessions belong to accounts, and this credential has none")
    if not ids.fits(id):
        raise ApiError("bad_request", "that is no id of a session")
    if not is_device(device):
        raise ApiError("bad_request", "that is no id of a device")
    if not ids.fits(agent):
        raise ApiError("bad_request", "that is no name of an agent")
    return Key(caller.account, device, agent, id)


def _header(line: bytes) -> tuple[Header, About]:
    try:
        return header_and_about(line)
    except ValueError as error:
        raise BadLine(1, str(error)) from None


def _expiry(text: str) -> int | None:
    if not text:
        return None
    at = parse_time(text)
    if at is None or at >= 1 << 62:
        raise ApiError("bad_request", "expires is RFC 3339")
    if at <= now_us():
        raise ApiError("invalid", "expires lies in the past")
    return at


def _about(said: About, beside: Beside) -> About:
    given = {
        "git_remote": beside.git_remote,
        "git_branch": beside.git_branch,
        "git_commit": beside.git_commit,
        "repository": beside.git_repo_name,
    }
    known = {name: value[:MAX_TEXT] for name, value in given.items() if value}
    return msgspec.structs.replace(said, **known)


def _pull_request(beside: Beside) -> str:
    said = {"pr_number": beside.pr_number, "pr_url": beside.pr_url}
    known = {name: value for name, value in said.items() if value is not None}
    return json.dumps(known) if known else ""


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What goes wrong with a body as the caller is told it."""
    try:
        yield
    except Refusal as refusal:
        have = refusal.have
        code: Code = "gone" if have.gone else "conflict"
        raise ApiError(code, str(refusal), have=have) from None
    except TooLarge as error:
        raise ApiError("too_large", str(error)) from None
    except (BadLine, BadEncoding) as error:
        raise ApiError("bad_request", str(error)) from None
    except KeyError:
        hint = "Content-Encoding: " + ", ".join(ENCODINGS)
        raise ApiError("unsupported", "that encoding is not known here", hint) from None
    except ValueError as error:
        raise ApiError("invalid", str(error)) from None
    except TimeoutError:
        raise ApiError("bad_request", "the body did not arrive in time") from None


ROUTES = (
    Route(
        method="PUT",
        path="/api/sessions/{id}/events",
        handler=put_events,
        action="session.publish",
        query=EventsQuery,
        response=Receipt,
        accepts=(LINES,),
        also=(201, 400, 409, 410, 413, 415, 422, 507),
        doc="Events of a session, after those that are there. The body is its header as a line,"
        " then one event a line, with zstd, gzip or no encoding. What is there already is dropped;"
        " 409 says what is there where the events do not follow it. The answer is a receipt: by"
        " then all is on the disk.",
    ),
    Route(
        method="POST",
        path="/api/sessions",
        handler=post_session,
        action="session.publish",
        query=WholeQuery,
        response=Receipt,
        accepts=(LINES, "application/jsonl", "application/json"),
        status=201,
        also=(200, 400, 413, 415, 422, 507),
        doc="A whole session, as HAIL lines or as one object with `session` in it. The same again"
        " changes nothing (200), what goes on is added, anything else replaces it.",
    ),
)
