"""This user's name at the end of this user's home is part of the home, and no finding beside it."""

from __future__ import annotations

import pytest

from opensession.core.privacy.stripper import Stripper


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see /home/marlowe/src/a.py", "see ~/src/a.py"),
        ("cd /home/marlowe && ls", "cd ~ && ls"),
        ("file:///home/marlowe/notes.md", "file://~/notes.md"),
        ("A=/home/marlowe/x", "A=~/x"),
    ],
)
def test_the_own_home_becomes_a_tilde_though_it_ends_in_the_own_name(
    text: str, expected: str
) -> None:
    stripper = Stripper("/home/marlowe", b"k" * 32, host="tern-7")

    assert stripper.strip_text(text)[0] == expected


def test_the_own_name_in_other_places_is_still_found() -> None:
    stripper = Stripper("/home/marlowe", b"k" * 32, host="tern-7")

    assert "marlowe" not in stripper.strip_text("ssh marlowe@10.0.3.7 uptime")[0]
    assert "marlowe" not in stripper.strip_text("/mnt/data/marlowe/app/x.py")[0]
