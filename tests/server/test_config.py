"""Settings of the hub: where they come from, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from opensession.core.errors import UsageError
from opensession.server.config import Config, load


def test_without_anything_it_is_for_this_machine_and_shows_nobody_anything() -> None:
    config = load({"OPENSESSION_DATA_DIR": "/nowhere"})

    assert (config.host, config.port) == ("127.0.0.1", 3000)
    assert config.public_feed_enabled is False
    assert config.registration == "invite"
    assert config.proxies == ()


def test_variables_stand_above_the_file_and_the_file_above_defaults(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text('port = 4000\nhost = "::1"\nbase_url = "https://a.b"\n')
    config = load(
        {"OPENSESSION_DATA_DIR": str(tmp_path), "PORT": "5000", "BASE_URL": "https://c.d"}
    )

    assert (config.host, config.port, config.base_url) == ("::1", 5000, "https://c.d")


def test_lists_are_words_with_commas() -> None:
    config = load(
        {
            "OPENSESSION_ALLOWED_ORIGINS": "https://a.b, https://c.d",
            "OPENSESSION_TRUSTED_PROXIES": "10.0.0.0/8,::1",
        }
    )

    assert config.allowed_origins == ("https://a.b", "https://c.d")
    assert [str(network) for network in config.proxies] == ["10.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"PORT": "70000"}, "port"),
        ({"PORT": "many"}, "port"),
        ({"JWT_SECRET": "short-one"}, "JWT_SECRET"),
        ({"OPENSESSION_ADMIN_KEY": "short-one"}, "OPENSESSION_ADMIN_KEY"),
        ({"OPENSESSION_REGISTRATION": "maybe"}, "registration"),
        ({"OPENSESSION_TRUSTED_PROXIES": "10.0.0.0/8,everyone"}, "trusted_proxies"),
        ({"OPENSESSION_PUBLIC_FEED_ENABLED": "perhaps"}, "OPENSESSION_PUBLIC_FEED_ENABLED"),
        ({"OPENSESSION_BASE_URL": "hub.example.org"}, "base URL"),
        ({"OPENSESSION_ALLOWED_ORIGINS": "https://a.b/path"}, "origin"),
        ({"OPENSESSION_AUTH_ATTEMPTS_PER_MINUTE": "-1"}, "auth_attempts"),
        ({"OPENSESSION_MAX_BODY_BYTES": "0"}, "max_body_bytes"),
        ({"OPENSESSION_SERVER_CONFIG": "/nowhere/at/all.toml"}, "no such file"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name_and_without_its_secret(
    environ: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError) as raised:
        load({"OPENSESSION_DATA_DIR": "/nowhere", **environ})

    assert said in str(raised.value)
    assert "short-one" not in str(raised.value) + raised.value.hint


def test_a_secret_of_the_wrong_type_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text("admin_key = 123456789123456789\n")
    path.chmod(0o600)

    with pytest.raises(UsageError) as raised:
        load({"OPENSESSION_DATA_DIR": str(tmp_path)})

    assert "123456789" not in str(raised.value)


def test_a_file_with_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text(f'jwt_secret = "{"s" * 40}"\n')
    path.chmod(0o644)

    with pytest.raises(UsageError, match="others may read it") as raised:
        load({"OPENSESSION_DATA_DIR": str(tmp_path)})

    assert "sssss" not in str(raised.value) + raised.value.hint


def test_an_unknown_setting_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "server.toml").write_text('registratoin = "open"\n')

    with pytest.raises(UsageError) as raised:
        load({"OPENSESSION_DATA_DIR": str(tmp_path)})

    assert "registration" in raised.value.hint


def test_secrets_are_not_in_its_repr() -> None:
    config = Config(jwt_secret="s" * 40, admin_key="k" * 40)

    assert "sss" not in repr(config)
    assert "kkk" not in repr(config)
