"""Settings in layers, and edits that keep what a person wrote."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core import config
from opensession.core.config import table
from opensession.core.config.settings import Settings, value_of
from opensession.core.config.values import convert
from opensession.core.errors import UsageError
from opensession.core.paths import Paths, find_paths

AGENTS = ("claude-code", "codex")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = find_paths({"HOME": "/home/ann", "OPENSESSION_HOME": str(tmp_path)})
    found.config_dir.mkdir(parents=True)
    return found


def write(paths: Paths, text: str) -> None:
    paths.config_file.write_text(text)


def test_defaults_without_any_file(paths: Paths) -> None:
    """DECISIONS §1, §9: all agents are on, and no server is set."""
    loaded = config.load(paths, {}, agents=AGENTS)
    assert loaded.settings == Settings()
    assert loaded.settings.watchers.enabled("claude_code")
    assert loaded.settings.server.url == ""
    assert (loaded.warnings, loaded.errors) == ([], [])
    assert set(loaded.origins.values()) == {"default"}


def test_each_layer_lies_over_the_one_before(paths: Paths) -> None:
    write(paths, "[daemon]\ndebounce_secs = 2.5\nsession_end_idle_secs = '10m'\n")
    environ = {"OPENSESSION_DAEMON_SESSION_END_IDLE_SECS": "30s"}
    loaded = config.load(paths, environ, flags={"privacy.strip_paths": False})
    assert loaded.settings.daemon.debounce_secs == 2.5
    assert loaded.settings.daemon.session_end_idle_secs == 30
    assert loaded.settings.daemon.realtime_debounce_ms == 500
    assert loaded.settings.privacy.strip_paths is False
    assert loaded.origins["daemon.debounce_secs"] == str(paths.config_file)
    assert (
        loaded.origins["daemon.session_end_idle_secs"] == "OPENSESSION_DAEMON_SESSION_END_IDLE_SECS"
    )
    assert loaded.origins["privacy.strip_paths"] == "flag"
    assert loaded.origins["daemon.realtime_debounce_ms"] == "default"


def test_an_unknown_key_is_named_with_the_nearest(paths: Paths) -> None:
    """DECISIONS §1: unknown key: warning with the nearest name."""
    write(paths, "[daemon]\n\ndebounce_sec = 3\n[privcy]\n[watchers]\nclaude_cod = true\n")
    loaded = config.load(paths, {}, agents=AGENTS)
    assert loaded.errors == []
    where = f"{paths.config_file}:3"
    assert (
        f"{where}: setting daemon.debounce_sec is not known; did you mean daemon.debounce_secs?"
        in loaded.warnings
    )
    assert any("privcy" in warning and "privacy" in warning for warning in loaded.warnings)
    assert any(
        "claude-cod " in warning and "claude-code?" in warning for warning in loaded.warnings
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[daemon]\ndebounce_secs = 'soon'\n", 2),
        ("[privacy]\n# why\nstrip_paths = 3\n", 3),
        ("[daemon]\ndebounce_secs = -1\n", 2),
        ("[daemon]\ndebounce_secs = nan\n", 2),
        ("[watchers]\ncodex = 'maybe'\n", 2),
        ("[watchers]\nrepos = ['relative']\n", 2),
        ("[git_storage]\nmethod = 'platform_api'\n", 2),
        ("[daemon]\ndebounce_secs =\n", 2),
    ],
)
def test_a_bad_value_is_an_error_with_its_line(paths: Paths, text: str, line: int) -> None:
    """DECISIONS §1: bad value: `daemon start` exits 2; the layer below counts until then."""
    write(paths, text)
    loaded = config.load(paths, {}, agents=AGENTS)
    assert len(loaded.errors) == 1
    assert loaded.errors[0].startswith(f"{paths.config_file}:{line}: ")
    assert loaded.settings == Settings()


def test_a_documented_value_that_is_not_built_says_so(paths: Paths) -> None:
    """DECISIONS §11: refused with a sentence."""
    write(paths, "[git_storage]\nmethod = 'platform_api'\n")
    assert "platform_api is not built" in config.load(paths, {}).errors[0]


def test_agents_with_underscore_or_hyphen(paths: Paths) -> None:
    """DECISIONS §1: agent keys are accepted as claude_code and claude-code."""
    for spelled in ("claude_code", "claude-code"):
        write(paths, f"[watchers]\n{spelled} = false\n")
        watchers = config.load(paths, {}, agents=AGENTS).settings.watchers
        assert not watchers.enabled("claude-code")
        assert not watchers.enabled("claude_code")
        assert watchers.enabled("codex")
    environ = {"OPENSESSION_WATCHERS_CLAUDE_CODE": "on"}
    assert config.load(paths, environ, agents=AGENTS).settings.watchers.enabled("claude-code")


def test_excluded_tools_are_not_watched(paths: Paths) -> None:
    write(paths, "[privacy]\nexclude_tools = ['Claude_Code']\n")
    watchers = config.load(paths, {}).settings.watchers
    assert not watchers.enabled("claude-code")
    assert watchers.enabled("codex")


def test_daemon_toml_wins_over_the_login_file(paths: Paths) -> None:
    """DECISIONS §1: a key in both: daemon.toml wins, and that is said."""
    write(paths, "[server]\nurl = 'https://a.example'\n")
    paths.login_file.write_text("[server]\nurl = 'https://b.example'\napi_key = 'osk_1'\n[cli]\n")
    paths.login_file.chmod(0o600)
    loaded = config.load(paths, {})
    assert loaded.settings.server.url == "https://a.example"
    assert loaded.settings.server.api_key == "osk_1"
    assert loaded.origins["server.api_key"] == str(paths.login_file)
    assert any("server.url is in daemon.toml and in config.toml" in w for w in loaded.warnings)
    assert any("[cli] has no effect here" in w for w in loaded.warnings)


def test_a_login_file_that_others_can_read_is_said(paths: Paths) -> None:
    paths.login_file.write_text("[server]\n")
    paths.login_file.chmod(0o644)
    assert any("chmod 600" in warning for warning in config.load(paths, {}).warnings)


def test_deleting_defaults_and_server_of_the_original_program_are_ignored(paths: Paths) -> None:
    """DECISIONS §1: [lifecycle] and the default server are ignored with a warning."""
    write(
        paths,
        "[lifecycle]\nenabled = true\nsession_ttl_days = 30\n"
        "[server]\nurl = 'https://opensession.io/'\n",
    )
    loaded = config.load(paths, {})
    assert loaded.settings.server.url == ""
    assert any("lifecycle" in warning for warning in loaded.warnings)
    assert any("server of the original program" in warning for warning in loaded.warnings)


def test_keys_of_later_versions_are_accepted_and_said(paths: Paths) -> None:
    write(paths, "[git_storage]\ntoken = 'x'\n[summary.provider]\nid = 'ollama'\n")
    loaded = config.load(paths, {})
    assert loaded.errors == []
    assert loaded.warnings == ["without effect in this version: [summary], git_storage.token"]


def test_other_names_of_switches(paths: Paths) -> None:
    loaded = config.load(paths, {"OPENSESSION_LOG": "debug", "OPENSESSION_NO_AUTOSTART": "1"})
    assert loaded.settings.daemon.log_level == "debug"
    assert loaded.settings.cli.auto_start is False
    assert config.load(paths, {"OPENSESSION_NO_AUTOSTART": "0"}).settings.cli.auto_start is True


def test_keys_are_masked(paths: Paths) -> None:
    write(paths, "[server]\napi_key = 'osk_abcdefghijklmnopqrstuvwxyz'\n")
    rows = {key: value for key, value, _origin in config.load(paths, {}).rows()}
    assert rows["server.api_key"] == "osk_********wxyz"
    assert config.masked("short") == "********"
    assert config.masked("") == ""


def test_a_bad_key_is_not_repeated_in_the_error(paths: Paths) -> None:
    write(paths, "[server]\napi_key = ['osk_sensitive']\n")
    assert "osk_sensitive" not in config.load(paths, {}).errors[0]


def test_what_changed_and_what_waits_for_a_restart(paths: Paths) -> None:
    before = config.load(paths, {}).settings
    write(
        paths, "[privacy]\nstrip_paths = false\n[watchers]\ncodex = false\n[archive]\nraw=false\n"
    )
    after = config.load(paths, {}).settings
    assert set(config.changed_keys(before, after)) == {
        "privacy.strip_paths",
        "watchers.codex",
        "archive.raw",
    }
    late = {key.dotted for key in table.KEYS if key.restart}
    assert set(config.restart_due(before, after)) == late & {"privacy.strip_paths", "archive.raw"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h", 3600), ("1.5h", 5400), ("250ms", 0.25), (2, 2), (0.5, 0.5)],
)
def test_durations(text: object, seconds: float) -> None:
    """DECISIONS §1: numbers may be fractional, durations may be "30s"."""
    key = table.find("daemon.debounce_secs")
    late = table.find("daemon.reconcile_secs")
    assert key is not None
    assert late is not None
    found = convert(key if seconds <= 3600 else late, text)
    assert found == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("50MB", 50_000_000), ("1.5 GiB", 3 << 29), (10, 10), ("7", 7)]
)
def test_sizes(text: object, size: int) -> None:
    key = table.find("archive.max_size")
    assert key is not None
    assert convert(key, text) == size


def test_an_edit_keeps_comments_and_order(paths: Paths) -> None:
    before = (
        "# mine\n[watchers]\n# why codex is off\ncodex = false # really\n\n"
        "[daemon]\ndebounce_secs = 2 # quick\n"
    )
    write(paths, before)
    changed = config.set_values(
        paths.config_file, {"daemon.debounce_secs": "3s", "watchers.claude-code": "off"}
    )
    after = paths.config_file.read_text()
    assert changed == ["daemon.debounce_secs", "watchers.claude-code"]
    for kept in ("# mine\n", "# why codex is off\n", "codex = false # really\n", "# quick\n"):
        assert kept in after
    assert tomllib.loads(after) == {
        "watchers": {"codex": False, "claude_code": False},
        "daemon": {"debounce_secs": "3s"},
    }
    assert paths.config_file.stat().st_mode & 0o777 == 0o600


def test_an_edit_of_an_agent_changes_the_name_that_is_there(paths: Paths) -> None:
    write(paths, "[watchers]\nclaude-code = false\n")
    config.set_values(paths.config_file, {"watchers.claude_code": True})
    assert paths.config_file.read_text() == "[watchers]\nclaude-code = true\n"


def test_none_removes_and_an_equal_value_changes_nothing(paths: Paths) -> None:
    write(paths, "[daemon]\ndebounce_secs = 2\n")
    assert config.set_values(paths.config_file, {"daemon.debounce_secs": "2"}) == []
    assert config.set_values(paths.config_file, {"daemon.debounce_secs": None}) == [
        "daemon.debounce_secs"
    ]
    assert tomllib.loads(paths.config_file.read_text()) == {"daemon": {}}
    assert config.set_values(paths.config_file, {"daemon.debounce_secs": None}) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [("daemon.nonsense", 1), ("nonsense", 1), ("daemon.debounce_secs", "x"), ("watchers.codex", 3)],
)
def test_a_bad_edit_writes_nothing(paths: Paths, key: str, value: object) -> None:
    with pytest.raises(UsageError):
        config.set_values(paths.config_file, {"privacy.strip_paths": False, key: value})
    assert not paths.config_file.exists()


def test_a_broken_file_is_not_edited(paths: Paths) -> None:
    write(paths, "[daemon\n")
    with pytest.raises(UsageError):
        config.set_values(paths.config_file, {"privacy.strip_paths": False})
    assert paths.config_file.read_text() == "[daemon\n"


def test_every_setting_is_in_the_table_and_the_other_way_round() -> None:
    settings = Settings()
    for key in table.KEYS:
        value_of(settings, key)
    named = {key.dotted for key in table.KEYS} | {"watchers.agents", "watchers.excluded"}
    fields = {
        f"{section}.{name}"
        for section in settings.__struct_fields__
        for name in getattr(settings, section).__struct_fields__
    }
    assert named == fields


def test_the_example_file_is_the_defaults(paths: Paths) -> None:
    text = config.example_text()
    write(paths, text)
    assert config.load(paths, {}).settings == Settings()
    write(paths, re.sub(r"(?m)^# (?=[a-z_]+ = )", "", text))
    loaded = config.load(paths, {})
    assert loaded.errors == []
    assert loaded.settings == Settings()
    for key in table.KEYS:
        shown = f"[[{key.dotted}]]" if key.kind in table.TABLES else f"{key.name} = "
        assert f"# {shown}" in text


def test_commands_are_agents_of_the_configuration(paths: Paths) -> None:
    acme = '[[watchers.commands]]\nname = "acme"\nfiles = "~/.acme/*.json"\ncommand = ["x", "-y"]\n'
    write(paths, acme)
    loaded = config.load(paths, {}, agents=["codex"])
    (command,) = loaded.settings.watchers.commands
    assert (command.name, command.files) == ("acme", f"{paths.home}/.acme/*.json")
    assert command.command == ("x", "-y")
    assert ("watchers.commands", [f"acme: x -y {command.files}"], str(paths.config_file)) in [
        tuple(row) for row in loaded.rows()
    ]


@pytest.mark.parametrize(
    ("table_text", "said"),
    [
        ('name = "codex"\nfiles = "/a"\ncommand = ["x"]', "known already"),
        ('name = "A b"\nfiles = "/a"\ncommand = ["x"]', "a name of small letters"),
        ('name = "a"\nfiles = "/*/a"\ncommand = ["x"]', "whose last part may hold"),
        ('name = "a"\nfiles = "a"\ncommand = ["x"]', "absolute"),
        ('name = "a"\nfiles = "/a"\ncommand = []', "a program and its arguments"),
        ('name = "a"\nfiles = "/a"\ncommand = ["x"]\nshell = true', "only"),
    ],
)
def test_a_command_that_cannot_be_is_an_error(paths: Paths, table_text: str, said: str) -> None:
    write(paths, f"[[watchers.commands]]\n{table_text}\n")
    (error,) = config.load(paths, {}, agents=["codex"]).errors
    assert said in error


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([key.dotted for key in table.KEYS]), values)
def test_any_value_is_taken_or_refused_in_words(dotted: str, value: object) -> None:
    key = table.find(dotted)
    assert key is not None
    try:
        convert(key, value, "/home/ann")
    except ValueError as error:
        assert str(error)


@given(st.binary(max_size=200))
def test_any_file_is_read_without_an_exception(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        paths = find_paths({"HOME": "/home/ann", "OPENSESSION_HOME": folder})
        paths.config_dir.mkdir()
        paths.config_file.write_bytes(data)
        config.load(paths, {})


def test_reading_settings_imports_little() -> None:
    program = (
        "import sys, opensession.core.config\n"
        "print([m for m in ('tomlkit', 'tomllib', 'difflib', 'socket', 'ahocorasick_rs')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"[]\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[privacy]\nmodes = {keys = "block"}\n'),
        ('[privacy]\nmodes = { mail = "warn" }\n', None),
        ('[privacy.modes]\nmail = "warn" # mine\n', None),
    ],
)
def test_one_mode_is_set_and_the_others_stay(
    tmp_path: Path, before: str, after: str | None
) -> None:
    path = tmp_path / "daemon.toml"
    path.write_text(before)

    assert config.set_values(path, {"privacy.modes.keys": "Block"}) == ["privacy.modes.keys"]
    modes = tomllib.loads(path.read_text())["privacy"]["modes"]
    assert modes.pop("keys") == "block"
    assert modes == ({"mail": "warn"} if "mail" in before else {})
    assert after is None or path.read_text() == after
    assert "# mine" in path.read_text() or "# mine" not in before
    assert config.set_values(path, {"privacy.modes.keys": None}) == ["privacy.modes.keys"]
    assert config.set_values(path, {"privacy.modes.keys": None}) == []


@pytest.mark.parametrize(
    ("key", "mode"), [("secrets", "off"), ("keys", "loud"), ("", "off"), ("keys.x", "off")]
)
def test_a_mode_of_no_set_or_no_mode_is_refused(tmp_path: Path, key: str, mode: str) -> None:
    path = tmp_path / "daemon.toml"
    with pytest.raises(UsageError):
        config.set_values(path, {f"privacy.modes.{key}": mode})
    path.write_text('[privacy]\nmodes = "all"\n')
    with pytest.raises(UsageError, match="must be a table"):
        config.set_values(path, {"privacy.modes.keys": "off"})
