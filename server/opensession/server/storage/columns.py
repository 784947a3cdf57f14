"""The columns of a session's row that a batch changes, and to what."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import msgspec

from opensession.server.score import score
from opensession.server.storage.deciding import Decision, State
from opensession.server.storage.interface import Batch
from opensession.server.tally import Tally, added

STATE = (
    "id", "generation", "rewind", "seq", "chain", "gone_us", "bytes", "body", "header",
    "header_generation", "header_rewind", "header_seq", "tally", "expires_us", "score_plugin",
    "score", "team", "links", "body_url", "pr", "change", "created_change", "uploaded_us",
)  # fmt: skip

_tally = msgspec.msgpack.Decoder(Tally)


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """The row as it was."""

    id: int
    generation: int
    rewind: int
    seq: int
    chain: bytes
    gone_us: int | None
    bytes: int
    body: str
    header: Any
    header_generation: int
    header_rewind: int
    header_seq: int
    tally: Any
    expires_us: int | None
    score_plugin: str
    score: int
    team: str
    links: str
    body_url: str
    pr: str
    change: int
    created_change: int
    uploaded_us: int

    def state(self, now_us: int) -> State:
        """What `decide` looks at. What has expired is gone, also before it is removed."""
        expired = self.expires_us is not None and self.expires_us <= now_us
        gone = self.gone_us is not None or expired
        return State(self.generation, self.rewind, self.seq, self.chain, gone)


class Change(NamedTuple):
    """What becomes of the body: `base` is what the events that stay add up to."""

    decision: Decision
    base: Tally
    body: str
    size: int


def tally_of(row: Before) -> Tally:
    """What the events of a session add up to."""
    return _tally.decode(row.tally)


def changed(
    batch: Batch, before: Before | None, change: Change, default_plugin: str
) -> dict[str, Any]:
    """Every column whose value is another after the batch; all that matter for a session that is
    new (`before` None). Empty where nothing changes.
    """
    decision = change.decision
    values: dict[str, Any] = {}
    tally = tally_of(before) if before else Tally()
    if decision.kind != "nothing":
        facts = batch.facts[decision.skip :]
        tally = added(change.base, facts)
        values |= {
            "generation": batch.generation,
            "rewind": batch.rewind,
            "seq": decision.keep + len(facts),
            "chain": batch.hashes[-1] if batch.hashes else batch.chain,
            "bytes": change.size,
            "body": change.body,
            **_sums(tally),
        }
    place = (batch.generation, batch.rewind, batch.first - 1 + len(batch.hashes))
    if decision.kind != "nothing" or (before and _newer_header(batch, before, place)):
        values |= _about(batch, place)
        first, last = tally.first_us, tally.last_us
        values["created_us"] = batch.about.created_us if first is None else first
        values["updated_us"] = batch.about.updated_us if last is None else last
    given = _given(batch)
    if before is None:
        plugin = batch.score_plugin or default_plugin
        return values | _NEW | given | {"score_plugin": plugin, "score": score(plugin, tally)}
    if "links" in given:
        known = json.loads(before.links)
        given["links"] = json.dumps(list(dict.fromkeys([*known, *json.loads(given["links"])])))
    values |= {name: value for name, value in given.items() if value != getattr(before, name)}
    plugin = values.get("score_plugin", before.score_plugin)
    if (now := score(plugin, tally)) != before.score:
        values["score"] = now
    return values


_NEW: dict[str, Any] = {
    "gone_us": None,
    "gone_why": "",
    "expires_us": None,
    "team": "",
    "links": "[]",
    "body_url": "",
    "pr": "{}",
}


def _given(batch: Batch) -> dict[str, Any]:
    """What the uploader said beside the session itself."""
    links = list(dict.fromkeys([*batch.links, *batch.about.related]))
    given = {
        "expires_us": batch.expires_us,
        "team": batch.team,
        "links": json.dumps(links) if links else "",
        "body_url": batch.body_url,
        "pr": batch.pr,
        "score_plugin": batch.score_plugin,
    }
    return {name: value for name, value in given.items() if value}


def _newer_header(batch: Batch, before: Before, place: tuple[int, int, int]) -> bool:
    """The header is another one, and not older than the one that is there."""
    last = (before.header_generation, before.header_rewind, before.header_seq)
    return before.header != batch.header and place >= last


def _sums(tally: Tally) -> dict[str, Any]:
    return {
        "tally": msgspec.msgpack.encode(tally),
        "messages": tally.messages,
        "user_messages": tally.user_messages,
        "tool_calls": tally.calls,
        "tasks": len(tally.tasks),
        "input_tokens": tally.input_tokens,
        "output_tokens": tally.output_tokens,
        "has_errors": int(bool(tally.errors or tally.failed_shells)),
    }


def _about(batch: Batch, place: tuple[int, int, int]) -> dict[str, Any]:
    about = batch.about
    return {
        "header": batch.header,
        "header_generation": place[0],
        "header_rewind": place[1],
        "header_seq": place[2],
        "role": about.role,
        "parent": about.parent,
        "title": about.title,
        "description": about.description,
        "provider": about.provider,
        "model": about.model,
        "tags": json.dumps(about.tags),
        "repository": about.repository,
        "git_remote": about.git_remote,
        "git_branch": about.git_branch,
        "git_commit": about.git_commit,
        "directory": about.directory,
    }
