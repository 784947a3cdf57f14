"""Places that tell of a secret though no usual name and sign stand before it."""

from __future__ import annotations

import pytest

from opensession.core.privacy import Stripper

STRIPPER = Stripper("/home/annette", b"k" * 32)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("[mysql]\npass=SXDfHJugrjPU\n", "SXDfHJugrjPU"),
        ("[mysql]\nuser = bob\npass = SXDfHJugrjPU", "SXDfHJugrjPU"),
        ("[mysql]\npassword=SXDfHJugrjPU\n", "SXDfHJugrjPU"),
        ('variable "db_password" {\n  default = "FusGAqryLB6mQ"\n}', "FusGAqryLB6mQ"),
        (
            'variable "db_password" {\n  type = string\n  sensitive = true\n'
            '  default     = "FusGAqryLB6mQ"\n}',
            "FusGAqryLB6mQ",
        ),
        ('variable \\"db_password\\" {\\n  default = \\"FusGAqryLB6mQ\\"\\n}', "FusGAqryLB6mQ"),
        ('failed for user "app" using password "CMg1F7ZVXcgzV"', "CMg1F7ZVXcgzV"),
        ("she logs in with password 'CMg1F7ZVXcgzV'", "CMg1F7ZVXcgzV"),
        ("the password is: CMg1F7ZVXcgzV.", "CMg1F7ZVXcgzV"),
        ("Das Passwort lautet: YIgrCOX6Jhw7Hd", "YIgrCOX6Jhw7Hd"),
        ("Das Passwort lautet YIgrCOX6Jhw7Hd", "YIgrCOX6Jhw7Hd"),
        ("openssl enc -aes-256-cbc -k gFMiuJ2E5Tc2vz -in a -out b", "gFMiuJ2E5Tc2vz"),
        ("openssl aes-256-cbc -d -in a -k gFMiuJ2E5Tc2vz", "gFMiuJ2E5Tc2vz"),
        ("net user bob vWii8yJYYmJY1W! /add", "vWii8yJYYmJY1W!"),
        ("nmcli dev wifi connect home password kGTdlSh8b7aM", "kGTdlSh8b7aM"),
        ("nmcli con modify home wifi-sec.psk kGTdlSh8b7aM", "kGTdlSh8b7aM"),
    ],
)
def test_a_value_in_such_a_place_is_taken_out(content: str, value: str) -> None:
    stripped, counts = STRIPPER.strip_text(content)

    before, after = content.split(value)
    assert stripped.startswith(before + "[redacted:")
    assert stripped.endswith("]" + after)
    assert sum(counts.values()) == 1


@pytest.mark.parametrize(
    "content",
    [
        "pass=getHTTPResponse\n",
        "password=getHTTPResponseCode\n",
        "pass = XMLHttpRequestURL\n",
        "x.pass = SXDfHJugrjPU;",
        'variable "db_password" {\n  type = string\n}\n\nvariable "r" {\n  default = "eu-1a7x"\n}',
        'variable "db_password" {\n  default = ""\n}',
        'variable "region" {\n  default = "FusGAqryLB6mQ"\n}',
        "log in using password \"your-password\" or with password 'secret'",
        "Das Passwort lautet anders",
        "the password is: required",
        "openssl enc -aes-256-cbc -kfile key.bin",
        "openssl enc -aes-256-cbc -k $PASS -in a",
        "net user bob /add",
        "net user bob * /add",
        "nmcli dev wifi connect home password $PW",
        "│ user │ password │\n│ bob │ - │",
    ],
)
def test_what_is_none_stays(content: str) -> None:
    assert STRIPPER.strip_text(content)[0] is content
