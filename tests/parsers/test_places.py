from __future__ import annotations

from opensession.parsers.agent import Environment
from opensession.parsers.places import config_home, data_home, vscode_users


def env(
    platform: str, home: str = "/home/ann", extra: tuple[str, ...] = (), **variables: str
) -> Environment:
    return Environment(home=home, variables=variables, platform=platform, extra=extra)


def test_the_folders_of_each_platform() -> None:
    assert config_home(env("linux")) == "/home/ann/.config"
    assert config_home(env("darwin", "/Users/ann")) == "/Users/ann/Library/Application Support"
    windows = env("win32", "/mnt/c/Users/ann")
    assert config_home(windows) == "/mnt/c/Users/ann/AppData/Roaming"
    assert data_home(windows) == "/mnt/c/Users/ann/.local/share"


def test_xdg_counts_where_it_is_absolute() -> None:
    assert data_home(env("linux", XDG_DATA_HOME="/data")) == "/data"
    assert data_home(env("linux", XDG_DATA_HOME="data")) == "/home/ann/.local/share"
    assert config_home(env("darwin", XDG_CONFIG_HOME="/c")) == (
        "/home/ann/Library/Application Support"
    )


def test_editors_of_the_family_local_and_remote() -> None:
    users = vscode_users(env("linux"))
    assert "/home/ann/.config/Code/User" in users
    assert "/home/ann/.config/Cursor/User" in users
    assert "/home/ann/.vscode-server/data/User" in users
    assert "/mnt/c/Users/b/AppData/Roaming/Code - Insiders/User" in vscode_users(
        env("win32", "/mnt/c/Users/b")
    )
    assert not any("server" in user for user in vscode_users(env("win32", "/mnt/c/Users/b")))


def test_further_folders_may_be_the_user_folder_or_hold_it() -> None:
    users = vscode_users(env("linux", extra=("/x/.vscode-server", "/y/data/User/globalStorage")))
    assert "/x/.vscode-server/data/User" in users
    assert "/y/data/User" in users
    assert len(users) == len(set(users))
