from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opensession.core.config.settings import PrivacySettings, Settings, WatcherSettings
from opensession.core.hail import SessionInfo
from opensession.daemon import admission
from opensession.daemon.admission import EXCLUDED, OUTSIDE, UNKNOWN, Rules
from opensession.daemon.batch import Batch, PreparedSession, Tally
from opensession.parsers.agent import Cursor, Source, SourceRefused

SOURCE = Source("codex", "/root", "/root/a.jsonl")


def batch(*folders: str, offset: int = 0) -> Batch:
    sessions = [
        PreparedSession(
            SessionInfo(id=f"s{n}", agent="codex", cwd=folder), 0, [], [], [], Tally(), {}, False,
            False,
        )
        for n, folder in enumerate(folders)
    ]  # fmt: skip
    return Batch(1, offset, False, None, 1, sessions, Cursor(offset + 1), 1, 1, {}, {}, False)


def test_without_rules_everything_is_taken_in() -> None:
    given = [batch(""), batch("/anywhere", offset=1)]
    assert list(admission.admitted(Rules(), SOURCE, given)) == given


@pytest.mark.parametrize(
    ("rules", "folder", "reason"),
    [
        (Rules(repos=("/r",)), "/r", ""),
        (Rules(repos=("/r",)), "/r/deep/er", ""),
        (Rules(repos=("/r",)), "/rs", OUTSIDE),
        (Rules(repos=("/r", "/s")), "/s/x", ""),
        (Rules(repos=("/r",)), "", UNKNOWN),
        (Rules(repos=("/r",)), "relative", UNKNOWN),
        (Rules(excluded=("/p",)), "/p/x", EXCLUDED),
        (Rules(excluded=("/p",)), "/px", ""),
        (Rules(excluded=("/p",)), "", UNKNOWN),
        (Rules(excluded=("/home/*/secret",)), "/home/me/secret/x", EXCLUDED),
        (Rules(repos=("/r",), excluded=("/r/p",)), "/r/p", EXCLUDED),
    ],
)
def test_where_a_session_may_lie(rules: Rules, folder: str, reason: str) -> None:
    assert admission.refusal(rules, [folder], first=True) == reason


def test_a_source_that_was_taken_in_goes_on_without_naming_its_folder_again() -> None:
    later = batch("", offset=100)
    assert list(admission.admitted(Rules(repos=("/r",)), SOURCE, [later])) == [later]


def test_a_refusal_comes_before_anything_is_given() -> None:
    with pytest.raises(SourceRefused, match=OUTSIDE):
        next(admission.admitted(Rules(repos=("/r",)), SOURCE, [batch("/elsewhere")]))


def test_an_excluded_source_is_not_even_read() -> None:
    def read() -> Iterator[Batch]:
        raise AssertionError("it was read")
        yield

    with pytest.raises(SourceRefused, match=EXCLUDED):
        next(admission.admitted(Rules(excluded=("/root",)), SOURCE, read()))


def test_a_refusal_by_other_rules_is_decided_again() -> None:
    rules = Rules(repos=("/r",))
    try:
        next(admission.admitted(rules, SOURCE, [batch("/elsewhere")]))
    except SourceRefused as error:
        reason = str(error)
    assert not admission.may_differ(reason, rules)
    assert admission.may_differ(reason, Rules())
    assert admission.is_final(reason)
    assert not admission.may_differ("a symbolic link", rules)
    assert not admission.is_final(f"{UNKNOWN} [{rules.mark}]")


def test_folders_are_compared_without_links(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)
    settings = Settings(
        watchers=WatcherSettings(repos=(str(link),)),
        privacy=PrivacySettings(exclude_paths=(str(link / "private"), "*.secret")),
    )
    rules = admission.rules_of(settings)
    assert admission.refusal(rules, [str(real / "x")], first=True) == ""
    assert admission.refusal(rules, [str(link / "x")], first=True) == ""
    assert admission.refusal(rules, [str(real / "private")], first=True) == EXCLUDED
    assert admission.refusal(rules, [str(real / "a.secret")], first=True) == EXCLUDED
