"""What a scan and an explanation say is what the index has, by whichever rules it was made."""

from __future__ import annotations

import json
from typing import Any

from tests.helpers.daemon import Daemon, Home
from tests.helpers.transcripts import FOLDER, claude

ONE = "11111111-1111-4111-8111-111111111111"
KEY = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
MAIL = "bert.meier@firma-gmbh.de"
FILE = f".claude/projects/p/{ONE}.jsonl"


def _scan(daemon: Daemon) -> dict[str, Any]:
    with daemon.client() as client:
        found: dict[str, Any] = client.job("privacy.scan", everything=True)["result"]
    return found


def _in_repository(home: Home, rules: str, transcript: bytes) -> None:
    home.write("shop/.opensession/config.toml", rules)
    home.write(FILE, transcript.replace(FOLDER.encode(), str(home.path / "shop").encode()))


def test_the_marks_of_blocked_sessions_are_no_kinds(home: Home, daemon: Daemon) -> None:
    home.configure('[privacy]\nmodes = { keys = "block", mail = "warn" }\n')
    home.write(FILE, claude(ONE, f"use {KEY}", f"ask {MAIL}"))
    daemon.index()

    found = _scan(daemon)

    assert {row["kind"]: row["replaced"] for row in found["kinds"]} == {
        "github-token": 1,
        "mail": 0,
    }
    (session,) = found["files"][0]["sessions"]
    assert (session["kinds"], session["replaced"]) == ({"github-token": 1, "mail": 1}, 1)


def test_the_stricter_rules_of_a_repository_are_those_that_are_told(
    home: Home, daemon: Daemon
) -> None:
    _in_repository(home, '[privacy]\nmodes = { mail = "redact" }\n', claude(ONE, f"ask {MAIL}"))
    daemon.index()

    (one,) = daemon.call("privacy.explain", ref=ONE, all=True)["findings"]
    (kind,) = _scan(daemon)["kinds"]

    assert (one["kind"], one["mode"], bool(one["tag"])) == ("mail", "redact", True)
    assert (kind["kind"], kind["mode"], kind["likely"], kind["replaced"]) == (
        "mail",
        "redact",
        1,
        1,
    )


def test_what_is_left_out_with_its_file_is_no_placeholder(home: Home, daemon: Daemon) -> None:
    call: dict[str, Any] = {"type": "tool_use", "id": "t1", "name": "Write"}
    call["input"] = {"file_path": f"{FOLDER}/live.env", "content": f"KEY={KEY}"}
    record = json.loads(claude(ONE, "hello", "hi").splitlines()[1])
    record["message"]["content"] = [call]
    _in_repository(
        home,
        '[privacy]\nexclude_patterns = ["*.env"]\n',
        claude(ONE, f"use {KEY}") + json.dumps(record).encode() + b"\n",
    )
    daemon.index()

    said, written = (
        list(daemon.call("privacy.explain", ref=f"{ONE}#{seq}", all=True)["findings"])
        for seq in (1, 2)
    )

    assert [(bool(one["tag"]), "excluded" in one["why"]) for one in said] == [(True, False)]
    assert {one["tag"] for one in written} == {""}
    assert {one["place"] for one in written if "excluded" not in one["why"]} == {"data.path"}
    assert "github-token" in {one["kind"] for one in written if "excluded" in one["why"]}
    stored = daemon.call("sessions.events", ref=ONE, all=True)["events"][1]
    assert "[excluded:*.env]" in json.dumps(stored) and "redacted" not in json.dumps(stored)
