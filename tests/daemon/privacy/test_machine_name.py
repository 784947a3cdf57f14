"""The name of this machine is known wherever a stripper is built."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from opensession.core.config.settings import PrivacySettings
from opensession.core.paths import find_paths
from opensession.daemon.admission import Rules
from opensession.daemon.privacy_rules import machine_name
from opensession.daemon.reading import Setup
from opensession.daemon.scanning import stripper_of


def test_what_is_read_and_what_is_scanned_knows_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "pluto-laptop")
    setup = Setup("/home/annette", b"k" * 32, PrivacySettings(), False, Rules())
    environ = {"HOME": str(tmp_path)}

    for stripper in (setup.stripper(), stripper_of(find_paths(environ), environ)):
        assert stripper.strip_text("root@pluto-laptop:~#")[0] == "root@[host]:~#"


def test_a_machine_without_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "localhost.localdomain")
    assert machine_name() == ""
