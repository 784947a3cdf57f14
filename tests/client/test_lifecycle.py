"""Starting, stopping, and commands that find no daemon, or one that hangs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

from opensession.core.run_file import is_alive, read_run_file
from tests.client.program import PATIENCE, Cli


def pid_of(cli: Cli) -> int:
    run = read_run_file(cli.paths.run_file)
    assert run is not None
    return run.pid


def test_start_returns_when_the_daemon_answers_and_stop_when_it_is_gone(cli: Cli) -> None:
    assert "started (pid" in cli.run("daemon", "start").stderr
    run = read_run_file(cli.paths.run_file)
    assert run is not None
    assert cli.json("daemon", "status", "--json")["pid"] == run.pid
    assert f"already running (pid {run.pid})" in cli.run("daemon", "start").stderr

    assert f"stopped (pid {run.pid})" in cli.run("daemon", "stop").stderr
    assert not is_alive(run)
    assert "no daemon was running" in cli.run("daemon", "stop").stderr


def test_status_never_starts_one(cli: Cli) -> None:
    """DECISIONS §6: `daemon status` never starts one: running false, exit 3."""
    done = cli.run("daemon", "status", "--json")

    assert (done.returncode, json.loads(done.stdout)) == (3, {"running": False})
    assert cli.fails(3, "daemon", "status") == [
        "opensession: no daemon is running",
        "next: opensession daemon start",
    ]
    cli.fails(3, "daemon", "health")
    assert not cli.paths.run_file.exists()


def test_bare_program_without_a_daemon_starts_none(cli: Cli) -> None:
    text = cli.ok()

    assert text.startswith("○ not running")
    assert "opensession daemon start" in text
    assert not cli.paths.run_file.exists()


def test_a_command_starts_one_and_says_so(cli: Cli) -> None:
    """DECISIONS §6: a command starts a daemon if none was stopped by hand."""
    done = cli.run("log", "--json")

    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert done.stderr.splitlines()[0] == "opensession: no daemon is running, starting one"
    assert cli.json("daemon", "status", "--json")["running"] is True


def test_autostart_is_turned_off(cli: Cli) -> None:
    cli.fails(3, "log", "--no-start")
    cli.fails(3, "log", OPENSESSION_NO_AUTOSTART="1")

    assert not cli.paths.run_file.exists()


def test_a_stop_by_hand_holds_until_the_next_start(cli: Cli) -> None:
    """DECISIONS §6: only if none was stopped by hand since the last `daemon start`."""
    cli.run("daemon", "start")
    cli.run("daemon", "stop")

    assert "stopped by hand" in cli.fails(3, "log")[0]
    cli.run("daemon", "start")
    os.kill(pid_of(cli), signal.SIGKILL)
    assert cli.run("log", "--json").returncode == 0


def test_restart_gives_another_daemon(cli: Cli) -> None:
    cli.run("daemon", "start")
    first = pid_of(cli)

    assert "started (pid" in cli.run("daemon", "restart").stderr
    assert pid_of(cli) != first


def test_a_daemon_that_hangs_is_told_from_one_that_is_gone(cli: Cli) -> None:
    """users.md D2: a pid that lives is no health; and `restart` mends it."""
    cli.run("daemon", "start")
    hanging = pid_of(cli)
    os.kill(hanging, signal.SIGSTOP)
    try:
        assert f"pid {hanging}) runs and does not answer" in cli.fails(3, "log")[0]
        assert json.loads(cli.run("daemon", "status", "--json").stdout) == {"running": False}
        assert "started (pid" in cli.run("daemon", "restart").stderr
    finally:
        cli.stop()
    assert pid_is_gone(hanging)


def pid_is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # Not reaped: nobody waits for it here.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_bad_settings_are_told_and_nothing_starts(cli: Cli) -> None:
    """DECISIONS §1: bad value: `daemon start` exits 2."""
    cli.paths.config_dir.mkdir(parents=True)
    cli.paths.config_file.write_text('[daemon]\ndebounce_secs = "often"\n')
    said = cli.fails(2, "daemon", "start")

    assert "debounce_secs" in said[0]
    assert said[-1].startswith("next: ")


def test_under_ci_a_started_daemon_reads_no_history(cli: Cli) -> None:
    """DECISIONS §6: with CI set such a daemon reads no history on its own."""
    cli.stage.set_up()

    assert json.loads(cli.run("log", "--all", "--json", CI="true").stdout) == []
    assert cli.json("daemon", "status", "--json")["agents"]["codex"]["sessions"] == 0
    cli.ok("index", "--wait")
    assert len(cli.json("log", "--all", "--json")) == 3


def test_settings_need_no_daemon_and_keep_their_comments(cli: Cli) -> None:
    """DECISIONS §6: `config` needs no watching daemon."""
    cli.paths.config_dir.mkdir(parents=True)
    cli.paths.config_file.write_text("# mine\n[daemon]\ndebounce_secs = 3 # slow disk\n")

    assert cli.ok("config", "get", "daemon.debounce_secs").strip() in ("3", "3.0")
    cli.ok("config", "set", "daemon.debounce_secs", "2")
    cli.ok("config", "set", "privacy.exclude_paths", "/a", "/b")
    text = cli.paths.config_file.read_text()
    assert "# mine" in text
    assert "# slow disk" in text
    assert "debounce_secs = 2" in text
    assert cli.json("config", "get", "privacy.exclude_paths", "--json")[0]["value"] == ["/a", "/b"]
    cli.ok("config", "set", "daemon.debounce_secs", "--unset")
    assert "debounce_secs" not in cli.paths.config_file.read_text()
    assert cli.ok("config", "path").strip() == str(cli.paths.config_file)
    assert not cli.paths.run_file.exists()


def test_config_shows_everything_with_keys_masked(cli: Cli) -> None:
    cli.paths.config_dir.mkdir(parents=True)
    cli.paths.config_file.write_text('[server]\napi_key = "osk_0123456789abcdef"\n')
    text = cli.ok("config")

    assert "[daemon]" in text
    assert "0123456789abcdef" not in text
    assert "0123456789abcdef" not in cli.ok("config", "--json")


def test_a_setting_that_is_not_there(cli: Cli) -> None:
    assert "debounce_sec" in cli.fails(2, "config", "get", "daemon.debounce_sec")[0]
    cli.fails(2, "config", "set", "daemon.debounce_secs", "often")
    cli.fails(2, "config", "set", "daemon.debounce_secs")


def test_select_and_show_write_what_is_watched(cli: Cli) -> None:
    repository = cli.stage.home / "api"
    repository.mkdir()

    assert "all repositories are watched" in cli.ok("daemon", "show")
    assert "~/api" in cli.ok("daemon", "select", "--repo", "api")
    assert cli.json("daemon", "show", "--json")["watchers.repos"] == [str(repository)]
    assert "all repositories" in cli.ok("daemon", "select", "--all")
    assert "no such folder" in cli.fails(2, "daemon", "select", "--repo", "nowhere")[0]
    cli.fails(2, "daemon", "select")


def test_agents_are_turned_off_and_on(cli: Cli) -> None:
    cli.ok("watcher", "disable", "claude_code")
    assert "claude_code = false" in cli.paths.config_file.read_text()
    rows = {row["name"]: row for row in cli.json("watcher", "list", "--json")}
    assert rows["claude-code"]["enabled"] is False
    assert "not watched: claude-code" in cli.ok("daemon", "show")

    cli.ok("watcher", "enable", "claude-code")
    rows = {row["name"]: row for row in cli.json("watcher", "list", "--json")}
    assert rows["claude-code"]["enabled"] is True
    assert "no such agent: windsurf" in cli.fails(2, "watcher", "enable", "windsurf")[0]


def test_index_wait_returns_when_everything_is_searchable(cli: Cli) -> None:
    cli.stage.set_up()
    done = cli.run("index", "--wait")

    assert "everything found is searchable" in done.stderr.splitlines()[-1]
    assert "\r" not in done.stderr
    assert len(cli.json("log", "--all", "--json")) == 3
    assert "searchable" in cli.run("index", "--rebuild", "--wait").stderr
    assert len(cli.json("log", "--all", "--json")) == 3


def test_a_rebuild_tells_what_it_took_over(cli: Cli) -> None:
    """Without an archive the index alone has what its agent deleted: the next one has it too."""
    cli.stage.set_up()
    cli.ok("config", "set", "archive.raw", "false")
    cli.ok("index", "--wait")
    next((cli.stage.home / ".claude/projects").rglob("*.jsonl")).unlink()
    cli.ok("index", "--wait")

    said = cli.run("index", "--rebuild", "--wait").stderr

    assert "1 session could not be made again" in said
    assert [row["source"] for row in cli.json("log", "--all", "--json")].count("gone") == 1
    assert len(cli.json("log", "--all", "--json")) == 3


def test_the_log_is_shown_without_a_daemon(cli: Cli) -> None:
    assert "there is no log yet" in cli.run("daemon", "logs").stderr
    cli.run("daemon", "start")
    cli.run("daemon", "stop")

    assert len(cli.ok("daemon", "logs", "-n", "2").splitlines()) == 2
    assert len(cli.json("daemon", "logs", "-n", "2", "--json")["lines"]) == 2


def test_follow_prints_events_as_they_are_committed(cli: Cli) -> None:
    cli.stage.set_up()
    cli.ok("index", "--wait")
    process = subprocess.Popen(
        cli.command("log", "--all", "--follow", "-n", "0", "--json"),
        env=cli.environ,
        cwd=cli.cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore it, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stderr.readline().startswith("following")
        lines = cli.stage.live_lines()
        cli.stage.live_file.write_text("".join(lines))
        seen = [json.loads(process.stdout.readline()) for _ in range(3)]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)

    assert [notice["event"]["seq"] for notice in seen] == [1, 2, 3]
    assert {notice["tool"] for notice in seen} == {"claude-code"}
    assert process.returncode == 130


def test_what_a_session_holds_cannot_act_on_the_terminal(cli: Cli) -> None:
    """DECISIONS §8: terminal output passes one safe()."""
    cli.stage.set_up()
    evil = "\x1b]0;gotcha\x07\x1b[2J\u202ereversed"
    path = cli.stage.live_file
    first = json.loads(cli.stage.live_lines()[0])
    first["message"]["content"] = f"needle {evil}"
    path.write_text(json.dumps(first) + "\n")
    cli.ok("index", "--wait")

    for words in (
        ("log", "--all"),
        ("search", "needle"),
        ("show", first["sessionId"]),
        ("show", first["sessionId"], "--full", "--format", "markdown"),
        ("timeline", first["sessionId"]),
        ("log", "--all", "--format", "markdown"),
    ):
        text = cli.ok(*words)
        assert "needle" in text
        assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_a_fault_of_ours_is_one_line_and_its_trace_is_in_the_log(cli: Cli, tmp_path: Path) -> None:
    """Never a traceback on the terminal: it is in the log, without words of sessions."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(
        "import opensession.client.connection as c\n"
        "def fail(*a, **k): raise ZeroDivisionError('words of ' + 'a session')\n"
        "c.connect = fail\n"
    )
    environ = {**cli.environ, "PYTHONPATH": str(broken)}
    done = subprocess.run(
        cli.command("daemon", "health"), env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "opensession: internal error (ZeroDivisionError)"
    log = cli.paths.client_log_file
    assert "in fail" in log.read_text()
    assert "words of a session" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600
