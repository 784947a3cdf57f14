"""The configuration of the original program: what is taken over, once, and what never is."""

from __future__ import annotations

from opensession.core import config
from opensession.core.config import Loaded
from opensession.daemon import earlier_config
from tests.helpers.daemon import Home

ORIGINAL = """
[daemon]
publish_on = "realtime"
debounce_secs = 5
max_retries = 7
[server]
url = "https://opensession.io"
api_key = "osk_0123456789abcdef"
[privacy]
strip_paths = false
exclude_patterns = ["*.env", "*secret*", "*credential*", "*.p12"]
exclude_tools = ["amp"]
[watchers]
custom_paths = ["~/.claude/projects", "~/.codex/sessions", "~/elsewhere"]
[lifecycle]
enabled = true
session_ttl_days = 30
"""


def loaded(home: Home) -> Loaded:
    return config.load(home.paths, home.environ)


def put(home: Home, text: str = ORIGINAL) -> None:
    home.paths.config_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home.paths.config_dir / earlier_config.NAME).write_text(text)


def test_what_means_the_same_is_taken_over_once(home: Home) -> None:
    put(home)
    home.configure('# mine\n[privacy]\nexclude_tools = ["aider"]\n')
    (found,) = earlier_config.check(home.paths, loaded(home))
    assert (found.state, found.fix) == ("warn", "config")

    taken = earlier_config.take(home.paths, loaded(home))

    settings = loaded(home).settings
    assert set(taken) == {
        "daemon.max_retries",
        "privacy.exclude_patterns",
        "privacy.exclude_tools",
        "watchers.custom_paths",
    }
    assert settings.daemon.max_retries == 7
    assert set(settings.privacy.exclude_patterns) >= {".env", "id_*", "*.p12"}
    assert set(settings.privacy.exclude_tools) == {"aider", "amp"}
    assert len(settings.watchers.custom_paths) == 1
    assert "# mine" in home.paths.config_file.read_text()
    assert earlier_config.check(home.paths, loaded(home)) == []
    assert earlier_config.take(home.paths, loaded(home)) == []
    assert (home.paths.config_dir / earlier_config.NAME).read_text() == ORIGINAL


def test_what_deletes_and_what_sends_is_told_and_left(home: Home) -> None:
    put(home)
    (found,) = earlier_config.check(home.paths, loaded(home))
    for said in ("[lifecycle]", "server.url", "daemon.publish_on", "privacy.strip_paths"):
        assert said in found.message
    assert "osk_" not in found.message

    earlier_config.take(home.paths, loaded(home))

    settings = loaded(home).settings
    assert settings.server.url == settings.server.api_key == ""
    assert settings.daemon.publish_on == "manual"
    assert settings.privacy.strip_paths


def test_values_that_ours_cannot_have_are_left_out(home: Home) -> None:
    put(home, "[daemon]\nmax_retries = -3\nhealth_check_interval_secs = 60\nodd = 1\n[odd]\n")

    assert earlier_config.take(home.paths, loaded(home)) == ["daemon.health_check_interval_secs"]


def test_what_cannot_be_read_is_no_configuration(home: Home) -> None:
    put(home, "[daemon\n")
    assert earlier_config.check(home.paths, loaded(home)) == []
    (home.paths.config_dir / earlier_config.NAME).unlink()
    assert earlier_config.check(home.paths, loaded(home)) == []
