"""Languages by file name."""

from __future__ import annotations

import pytest

from opensession.parsers.languages import language_of


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("src/app.py", "python"),
        ("/a/b/Main.TSX", "typescript"),
        ("C:\\x\\y.rs", "rust"),
        ("Dockerfile", "dockerfile"),
        ("deep/Makefile", "makefile"),
        ("no-extension", ""),
        ("py", ""),
        ("a.unheard-of", ""),
        ("folder.py/readme", ""),
        ("", ""),
    ],
)
def test_the_name_tells(path: str, language: str) -> None:
    assert language_of(path) == language
