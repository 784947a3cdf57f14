"""Each set in each mode through a stripper, and own patterns as the configuration takes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.core import config
from opensession.core.hail import Event, text
from opensession.core.paths import Paths, find_paths
from opensession.core.privacy import SETS, OwnPattern, Rules, Stripper

KEY = b"k" * 32
EXAMPLES = {
    "keys": ("see ghp_Zx9Kq2Lm4Np7Rt5Vw8Yb3Dc6Fg1Hj0Ab2Cd4", "Zx9Kq2Lm"),
    "assignments": ("DB_PASSWORD=tern47-quartz", "tern47-quartz"),
    "urls": ("postgres://app:tern47quartz@db.acme.dev/x", "tern47quartz"),
    "headers": ("Authorization: Bearer Zx9Kq2Lm4Np7Rt5Vw8Yb3Dc6", "Zx9Kq2Lm"),
    "private-keys": (
        "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEAb7YzQ9xW3kLm5Np8\n" * 4
        + "-----END RSA PRIVATE KEY-----", "b7YzQ9xW",
    ),
    "paths": ("cat /home/someone/x.py", "someone"),
    "names": ("ssh annette@10.0.3.7 uptime", "annette"),
    "cards": ("paid with 4539 1488 0343 6467", "4539 1488"),
    "mail": ("write to jo.doe@acme.io", "jo.doe"),
    "phone": ("call +49 170 1234567", "1234567"),
    "iban": ("to DE89370400440532013000", "DE8937"),
    "health": ("patient id: 943-476-5919", "943-476"),
}  # fmt: skip


def stripper(name: str, mode: str) -> Stripper:
    """Only this set is on, in this mode."""
    others = dict.fromkeys(SETS, "off")
    return Stripper("/home/annette", KEY, Rules(modes={**others, name: mode}), host="pluto")


def test_every_set_has_an_example() -> None:
    assert EXAMPLES.keys() == SETS.keys()


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("mode", ["redact", "block"])
def test_redact_and_block_take_it_out(name: str, mode: str) -> None:
    content, secret = EXAMPLES[name]
    made = stripper(name, mode)
    stripped, counts = made.strip_text(content)

    assert secret in content
    assert secret not in stripped
    assert {(one.set, one.mode) for one in made.find_text(content)} == {(name, mode)}
    assert counts


@pytest.mark.parametrize("name", SETS)
def test_warn_reports_it_and_leaves_it(name: str) -> None:
    content, _ = EXAMPLES[name]
    made = stripper(name, "warn")
    event = Event(event_id="e", time_us=0, type="UserMessage", blocks=[text(content)])

    assert made.strip_text(content) == (content, {})
    assert made.strip_events([event]) == [(event, {})]
    assert {(one.set, one.mode) for _, one in made.find_event(event)} == {(name, "warn")}


@pytest.mark.parametrize("name", SETS)
def test_off_does_not_look(name: str) -> None:
    content, _ = EXAMPLES[name]
    made = stripper(name, "off")

    assert made.find_text(content) == []
    assert made.strip_text(content) == (content, {})


@pytest.mark.parametrize("mode", ["redact", "block", "warn", "off"])
def test_an_own_pattern_in_each_mode(mode: str) -> None:
    pattern = OwnPattern("acme-badge", "ACME-[0-9]{6}", "badge ACME-123456", mode)
    made = Stripper("/home/annette", KEY, Rules(patterns=(pattern,)))
    stripped, counts = made.strip_text("badge ACME-123456")

    assert ("ACME-123456" in stripped) is (mode in ("warn", "off"))
    assert [one.kind for one in made.find_text("badge ACME-123456")] == (
        [] if mode == "off" else ["acme-badge"]
    )
    assert bool(counts) is (mode in ("redact", "block"))


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = find_paths({"HOME": "/home/annette", "OPENSESSION_HOME": str(tmp_path)})
    found.config_dir.mkdir(parents=True)
    return found


@pytest.mark.parametrize(
    ("pattern", "line", "said"),
    [
        ("ACME-([", "ACME-1", "regular expressions"),
        ("(?<=x)ACME", "ACME-1", "regular expressions"),
        ("ACME-[0-9]+", "nothing of it", "match their test line"),
        ("(ACME)?", "ACME", "do not match the empty text"),
    ],
)
def test_a_pattern_that_protects_nothing_is_refused_by_name(
    paths: Paths, pattern: str, line: str, said: str
) -> None:
    table = f"[[privacy.patterns]]\nname = 'badge'\npattern = '{pattern}'\ntest = '{line}'\n"
    paths.config_file.write_text(table)

    (error,) = config.load(paths, {}, agents=("codex",)).errors

    assert said in error
    assert "privacy.patterns" in error
    assert error.endswith("badge")
    assert line not in error


@pytest.mark.parametrize("modes", ["keys = 'maybe'", "nosuch = 'off'"])
def test_a_mode_or_a_set_that_does_not_exist_is_refused(paths: Paths, modes: str) -> None:
    paths.config_file.write_text(f"[privacy.modes]\n{modes}\n")

    (error,) = config.load(paths, {}, agents=("codex",)).errors

    assert "privacy.modes" in error


def test_a_good_pattern_and_a_mode_are_taken(paths: Paths) -> None:
    paths.config_file.write_text(
        "[privacy.modes]\nmail = 'block'\n\n[[privacy.patterns]]\nname = 'badge'\n"
        "pattern = 'ACME-([0-9]+)'\ntest = 'badge ACME-12'\nmode = 'warn'\n"
    )

    loaded = config.load(paths, {}, agents=("codex",))

    assert loaded.errors == []
    assert loaded.settings.privacy.modes == {"mail": "block"}
    assert loaded.settings.privacy.patterns == (
        OwnPattern("badge", "ACME-([0-9]+)", "badge ACME-12", "warn"),
    )
