"""Sessions on a real hub: sent, listed, shown, followed and taken back."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest
import zstandard

from opensession.core.hail import Event, text
from opensession.core.hail_lines import event_line
from opensession.core.hub import chain_of
from opensession.server.storage.interface import Key
from tests.helpers.daemon import PATIENCE
from tests.helpers.hub import Account, Hub, Reply
from tests.server.people import change
from tests.server.storage.keeping import BEGIN_US, header_line, line, start_of

Newcomer = Callable[[], Account]
LINES = [line(number) for number in range(1, 6)]


class Place:
    """A session of an account on a hub."""

    def __init__(self, hub: Hub, account: Account, id: str = "a-session") -> None:
        self.hub = hub
        self.bearer = account.access
        self.key = Key(account.id, "laptop", "codex", id)

    def put(self, lines: list[bytes], first: int = 1, **more: Any) -> Reply:
        """Send lines, those before `first` being LINES."""
        generation, attributes = more.pop("generation", 1), more.pop("attributes", {})
        chain = chain_of(start_of(self.key, generation), LINES[: first - 1]).hex()
        asked = {"generation": generation, "rewind": 0, "from": first, "chain": chain}
        asked |= {"device": self.key.device, "agent": self.key.agent, **more}
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        header = header_line(self.key, **attributes)
        body = b"".join(one + b"\n" for one in [header, *lines])
        return self.send("PUT", f"/api/sessions/{self.key.id}/events?{query}", body)

    def send(self, method: str, path: str, body: bytes, encoding: str = "zstd") -> Reply:
        """Send lines, compressed."""
        packed: dict[str, Callable[[bytes], bytes]]
        packed = {"zstd": zstandard.compress, "gzip": gzip.compress}
        sent = packed.get(encoding, bytes)(body)
        headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": encoding}
        return self.hub.call(method, path, sent, bearer=self.bearer, headers=headers)

    def get(self, path: str = "") -> Reply:
        """Ask for the session, or something of it."""
        return self.hub.call("GET", f"/api/sessions/{self.key.id}{path}", bearer=self.bearer)


@pytest.fixture
def place(hub: Hub, newcomer: Newcomer) -> Place:
    """A session that is not there yet, of an account of its own."""
    return Place(hub, newcomer())


def test_events_come_to_lie_as_they_were_sent(place: Place) -> None:
    assert place.put(LINES[:2]).status == 201
    receipt = place.put(LINES[2:], 3)

    assert receipt.status == 200
    assert receipt.json["seq"] == 5
    assert receipt.json["chain"] == chain_of(start_of(place.key, 1), LINES).hex()
    sent = b"".join(one + b"\n" for one in [header_line(place.key), *LINES])
    assert place.get("/raw?as=sent").body == sent
    assert place.get().json["event_count"] == 5


def test_a_gap_is_refused_with_what_is_there(place: Place) -> None:
    place.put(LINES[:2])

    refused = place.put(LINES[3:], 4)

    assert (refused.status, refused.code) == (409, "conflict")
    assert refused.json["have"]["seq"] == 2
    assert refused.json["have"]["chain"] == chain_of(start_of(place.key, 1), LINES[:2]).hex()


def test_of_a_request_with_a_bad_line_nothing_is_stored(place: Place) -> None:
    refused = place.put([LINES[0], b'{"no":"event"}'])

    assert (refused.status, refused.code) == (400, "bad_request")
    assert "line 3" in refused.json["message"]
    assert place.get().status == 404


def test_the_one_who_took_a_session_back_is_told_and_others_know_nothing(
    place: Place, newcomer: Newcomer
) -> None:
    place.put(LINES)
    other = Place(place.hub, newcomer())
    path = f"/api/sessions/{place.key.id}"
    assert other.get().status == 404
    assert place.hub.call("DELETE", path, bearer=other.bearer).status == 404

    assert place.hub.call("DELETE", path, bearer=place.bearer).status == 204

    assert (place.get().status, place.get("/raw").status) == (410, 410)
    assert other.get().status == 404
    again = place.put(LINES)
    assert (again.status, again.json["have"]["gone"]) == (410, True)
    assert place.put(LINES[:1], generation=2).status == 201


def test_what_has_expired_is_gone_at_once(place: Place, newcomer: Newcomer) -> None:
    """Also while nothing has removed it yet: nothing is shown of it, and nothing follows it."""
    first = place.put(LINES[:2], expires="2100-01-01T00:00:00Z")
    assert first.json["expires_at"] == "2100-01-01T00:00:00.000Z"
    other = Place(place.hub, newcomer())

    change(place.hub, "UPDATE session SET expires_us = 1 WHERE owner = ?", place.key.owner)

    assert (place.get().status, place.get("/raw").status) == (410, 410)
    assert other.hub.call("GET", "/api/sessions/a-session", bearer=other.bearer).status == 404
    assert place.hub.call("GET", "/api/sessions", bearer=place.bearer).json["total"] == 0
    refused = place.put(LINES[2:], first=3)
    assert (refused.status, refused.json["have"]) == (
        410, {"generation": 1, "rewind": 0, "seq": 0, "chain": "", "gone": True}
    )  # fmt: skip
    assert place.put(LINES[:1], expires="2001-01-01T00:00:00Z", generation=2).status == 422
    assert place.put(LINES[:1], generation=2).status == 201
    assert place.get().json["expires_at"] is None


def test_a_session_tells_of_its_parent_its_children_and_what_it_was_linked_with(
    place: Place, newcomer: Newcomer
) -> None:
    def linked(one: Place) -> set[tuple[str, str]]:
        return {(x["id"], x["link_type"]) for x in one.get().json["linked_sessions"]}

    account = Account(place.key.owner, "", place.bearer, "")
    child, later = Place(place.hub, account, "child"), Place(place.hub, account, "later")
    place.put(LINES)
    child.put(LINES, attributes={"parent_session_id": "a-session"})
    later.put(LINES, parent="a-session")
    Place(place.hub, newcomer(), "stranger").put(
        LINES, attributes={"parent_session_id": "a-session"}
    )

    assert linked(place) == {("child", "child")}
    assert linked(child) == {("a-session", "parent")}
    assert linked(later) == {("a-session", "handoff")}


def test_a_download_is_in_order_of_time_with_results_in_their_calls(place: Place) -> None:
    call = Event(
        event_id="c", time_us=BEGIN_US + 9_000, type="ShellCommand", data={"command": "ls"}
    )
    result = Event(
        event_id="r",
        time_us=BEGIN_US + 99_000,
        type="ToolResult",
        data={"name": "shell", "is_error": False},
        attributes={"result.call_seq": 1, "result.exit_code": 3},
    )
    early = Event(event_id="u", time_us=BEGIN_US, type="UserMessage", blocks=[text("go")])
    place.put([event_line(one) for one in (call, result, early)])

    header, *events, stats = map(json.loads, place.get("/raw").body.splitlines())

    assert header["type"] == "header"
    assert [one["event_id"] for one in events] == ["u", "c", "r"]
    assert events[1]["event_type"]["data"] == {"command": "ls", "exit_code": 3}
    assert (stats["event_count"], stats["tool_call_count"]) == (3, 1)
    detail = place.get().json
    assert (detail["has_errors"], detail["session_score"]) == (True, 80)


def test_a_whole_session_may_come_again_go_on_and_be_another(place: Place) -> None:
    def post(lines: list[bytes]) -> Reply:
        body = b"".join(one + b"\n" for one in [header_line(place.key), *lines, b""])
        return place.send("POST", "/api/sessions", body + b'{"type":"stats"}\n')

    first = post(LINES[:3])
    assert (first.status, first.json["generation"], first.json["seq"]) == (201, 1, 3)
    same = post(LINES[:3])
    assert (same.status, same.json) == (200, first.json)
    assert [post(LINES).json[name] for name in ("generation", "seq")] == [1, 5]
    assert [post(LINES[1:]).json[name] for name in ("generation", "seq")] == [2, 4]
    assert place.get("/raw?as=sent").body.splitlines()[1:] == LINES[1:]


def test_lists_hold_what_is_the_callers_and_are_walked_by_cursor(
    hub: Hub, newcomer: Newcomer
) -> None:
    mine, theirs = newcomer(), newcomer()
    for number in range(5):
        one = Place(hub, mine, f"session-{number}")
        assert one.put([line(number + 1, f"word{number}")]).status == 201
    Place(hub, theirs).put(LINES)
    found: list[str] = []
    cursor = ""
    while True:
        path = f"/api/sessions?per_page=2&cursor={cursor}"
        page = hub.call("GET", path, bearer=mine.access).json
        assert page["total"] == 5
        found += [one["id"] for one in page["sessions"]]
        if not (cursor := page["next"]):
            break

    assert found == [f"session-{number}" for number in reversed(range(5))]
    assert hub.call("GET", "/api/sessions?cursor=none", bearer=mine.access).status == 400


def test_who_follows_hears_of_its_own_sessions(place: Place, newcomer: Newcomer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", place.hub.port, timeout=PATIENCE)
    connection.request("GET", "/api/events", headers={"Authorization": f"Bearer {place.bearer}"})
    stream = connection.getresponse()
    assert stream.readline() == b"retry: 2000\n"
    Place(place.hub, newcomer()).put(LINES)

    place.put(LINES[:2])

    read = [stream.readline() for _ in range(4)]
    connection.close()
    assert read[1].startswith(b"id: ") and read[2] == b"event: session\n"
    told = json.loads(read[3].removeprefix(b"data: "))
    assert (told["id"], told["kind"], told["seq"]) == (place.key.id, "created", 2)
    assert told["owner"] == place.key.owner


def test_gzip_is_taken_as_zstd_is(place: Place) -> None:
    header = header_line(place.key)
    body = b"".join(one + b"\n" for one in [header, *LINES])

    assert place.send("POST", "/api/sessions", body, encoding="gzip").status == 201
    assert place.get("/raw?as=sent").body == body


def test_an_encoding_that_is_not_known_is_refused(place: Place) -> None:
    reply = place.send("POST", "/api/sessions", b"{}", encoding="br")

    assert (reply.status, reply.code) == (415, "unsupported")
