"""This machine's name, where it stands for the machine (DECISIONS §5)."""

from __future__ import annotations

import pytest

from opensession.core.privacy import Stripper

STRIPPER = Stripper("/home/annette", b"k" * 32, host="pluto-laptop.lan")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("root@pluto-laptop:~# ls", "root@[host]:~# ls"),
        ("Author: x <x@pluto-laptop.lan>", "Author: x <x@[host]>"),
        ("ls /mnt/backup/pluto-laptop/etc", "ls /mnt/backup/[host]/etc"),
        ("annette@pluto-laptop", "[user]@[host]"),
        (r"ls\nannette@pluto-laptop:~$ ls", r"ls\n[user]@[host]:~$ ls"),
        (r"ls\r\n\tannette@build-box:~$ ls", r"ls\r\n\t[user]@[host]:~$ ls"),
        (r'{"out": "x\\nannette@build-box"}', r'{"out": "x\\n[user]@[host]"}'),
    ],
)
def test_a_host_name_is_taken_out_beside_a_user_and_in_paths(text: str, expected: str) -> None:
    assert STRIPPER.strip_text(text)[0] == expected


@pytest.mark.parametrize(
    "text",
    ["http://pluto-laptop/x", "ping pluto-laptop", "see pluto-laptops/x", "a/pluto-laptop.py"],
)
def test_elsewhere_it_stays(text: str) -> None:
    assert STRIPPER.strip_text(text) == (text, {})


@pytest.mark.parametrize("host", ["", "vm", "abc.lan", "localhost", "localhost.localdomain"])
def test_a_short_or_common_name_is_none(host: str) -> None:
    text = f"root@{host or 'x'}:~# ls /srv/{host or 'x'}/a"
    assert Stripper("/home/annette", b"k" * 32, host=host).strip_text(text) == (text, {})
