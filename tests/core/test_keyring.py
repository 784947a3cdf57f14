"""A keyring that works, one that hangs, and none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opensession.core import keyring

URL = "https://hub.example"
KEY = "osk_" + "0123456789abcdef" * 2

BACKEND = """
import json, os, pathlib, time
from keyring.backend import KeyringBackend

PLACE = pathlib.Path(os.environ["RING_FILE"])

class Ring(KeyringBackend):
    priority = 9
    def _all(self):
        return json.loads(PLACE.read_text()) if PLACE.exists() else {}
    def get_password(self, service, user):
        return self._all().get(f"{service} {user}")
    def set_password(self, service, user, value):
        PLACE.write_text(json.dumps({**self._all(), f"{service} {user}": value}))
    def delete_password(self, service, user):
        kept = self._all(); del kept[f"{service} {user}"]; PLACE.write_text(json.dumps(kept))

class Locked(Ring):
    def get_password(self, service, user):
        time.sleep(3600)
    set_password = get_password
"""


def with_backend(folder: Path, name: str) -> dict[str, str]:
    (folder / "made_ring.py").write_text(BACKEND)
    return {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PYTHON_KEYRING_BACKEND": name,
        "RING_FILE": str(folder / "ring.json"),
    }


def test_a_key_is_kept_found_and_forgotten(tmp_path: Path) -> None:
    environ = with_backend(tmp_path, "made_ring.Ring")

    assert keyring.get(URL, environ) == ""
    assert keyring.put(URL, KEY, environ)
    assert keyring.get(URL, environ) == KEY
    assert keyring.get(URL + "/other", environ) == ""
    assert keyring.forget(URL, environ)
    assert keyring.get(URL, environ) == ""
    assert not keyring.forget(URL, environ)


@pytest.mark.parametrize(
    "backend",
    ["made_ring.Locked", "keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"],
)
def test_where_no_keyring_answers_nothing_is_kept(
    tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "SECONDS", 0.3)
    environ = with_backend(tmp_path, backend)

    assert not keyring.put(URL, KEY, environ)
    assert keyring.get(URL, environ) == ""
