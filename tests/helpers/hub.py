"""A real hub in a folder of its own, and the plainest client that can talk to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from tests.helpers.daemon import PATIENCE
from tests.helpers.forked import Forked

JWT_SECRET = "a secret that only tests of the hub know"
ADMIN_KEY = "an admin key that only tests of the hub know"
PASSWORD = "correct horse battery"


class Reply(NamedTuple):
    """What the hub answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of an error."""
        return str(self.json["code"])


class Account(NamedTuple):
    """Somebody who is logged in."""

    id: str
    email: str
    access: str
    refresh: str


class Hub:
    """A hub process. It can be stopped, killed and started again on the same folder and port."""

    def __init__(self, data: Path, environ: Mapping[str, str]) -> None:
        self.data = data
        self.port = 0
        self.said: list[str] = []
        keep = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.environ = {
            **keep,
            "HOME": str(data),
            "TZ": "UTC",
            "OPENSESSION_DATA_DIR": str(data / "data"),
            "PORT": "0",
            "JWT_SECRET": JWT_SECRET,
            "OPENSESSION_ADMIN_KEY": ADMIN_KEY,
            "OPENSESSION_REGISTRATION": "open",
            "OPENSESSION_AUTH_ATTEMPTS_PER_MINUTE": "0",
            "OPENSESSION_MIN_FREE_BYTES": "1",
            **environ,
        }
        self._process: Forked | None = None
        self._stdout: TextIO | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        return self.data / "data" / "hub.db"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns when the hub has said where it is, which is when it is ready."""
        read_end, write_end = os.pipe()
        self._stdout = os.fdopen(read_end)
        with (self.data / "log").open("ab") as log, Path(os.devnull).open("rb") as nothing:
            files = (nothing.fileno(), write_end, log.fileno())
            told = {**self.environ, "PORT": str(self.port)}
            self._process = Forked("server", [], told, "/", files)
        os.close(write_end)
        first = self._stdout.readline()
        if not first:
            self._end(signal.SIGKILL)
            raise RuntimeError(f"the hub ended:\n{self.log}")
        self.port = int(first.rpartition(":")[2])
        self.said = [first.strip()]

    @property
    def code(self) -> str:
        """The one-time code, of a hub that has no account yet."""
        assert self._stdout is not None
        while not self.said[-1].startswith("from another machine"):
            self.said.append(self._stdout.readline().strip())
        return self.said[-1].rpartition(" ")[2]

    @property
    def log(self) -> str:
        return (self.data / "log").read_text("utf-8")

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self._end(signal.SIGKILL)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        bearer: str = "",
        headers: Mapping[str, str] | None = None,
        read: bool = True,
    ) -> Reply:
        """One request; a `body` that is not bytes is sent as JSON. Without `read` only the head of
        the answer is waited for, as of a stream that does not end.
        """
        sent = dict(headers or {})
        if bearer:
            sent["Authorization"] = f"Bearer {bearer}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, sent)
            got = connection.getresponse()
            return Reply(got.status, dict(got.headers.items()), got.read() if read else b"")
        finally:
            connection.close()

    def account(self, name: str) -> Account:
        """Make an account; the first one is the admin's."""
        made = {"email": f"{name}@example.org", "password": PASSWORD, "nickname": name}
        reply = self.call("POST", "/api/auth/register", made)
        assert reply.status == 201, reply.body
        got = reply.json
        return Account(got["user_id"], made["email"], got["access_token"], got["refresh_token"])

    def key(self, account: Account, *scopes: str, **more: Any) -> str:
        """Make an API key."""
        asked = {"scopes": scopes or ("read", "publish"), **more}
        reply = self.call("POST", "/api/auth/api-keys/issue", asked, bearer=account.access)
        assert reply.status == 201, reply.body
        return str(reply.json["api_key"])

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        code = process.wait(PATIENCE)
        assert self._stdout is not None
        self._stdout.close()
        return code


@contextlib.contextmanager
def running_hub(**environ: str) -> Iterator[Hub]:
    """A hub that is ready, with settings by their environment variables; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="os-hub-") as folder:
        hub = Hub(Path(folder), environ)
        hub.start()
        try:
            yield hub
        finally:
            hub.stop()


__all__ = ["ADMIN_KEY", "JWT_SECRET", "PASSWORD", "Account", "Hub", "Reply", "running_hub"]
