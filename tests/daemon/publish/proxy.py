"""What lies between daemon and hub when it goes wrong: requests are dropped, cut, delayed, repeated
and overtaken, as a seed says. Each session has its own chance, so that many can be tried at once.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import random
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

FAULTS = (
    "pass", "pass", "pass", "drop request", "drop answer", "cut request", "cut answer", "slow",
    "twice", "again later", "overtaken", "busy",
)  # fmt: skip


class Request:
    """A request as it came."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body


class Proxy:
    """`calm` lets everything pass from then on; `release` forwards what was held back."""

    def __init__(self, port: int, hub_port: int, seed: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.hub_port = hub_port
        self.counts: dict[str, int] = {}
        self._seed = seed
        self._calm = False
        self._lock = threading.Lock()
        self._chances: dict[str, random.Random] = {}
        self._held: list[Request] = []

    def fault(self, request: Request) -> str:
        """What happens to a request."""
        if self._calm or "/events" not in request.path:
            return "pass"
        session = request.path.split("/")[3]
        with self._lock:
            chance = self._chances.setdefault(session, random.Random(f"{self._seed}/{session}"))
            found = chance.choice(FAULTS)
            self.counts[found] = self.counts.get(found, 0) + 1
            return found

    def hold(self, request: Request) -> None:
        with self._lock:
            self._held.append(request)

    def overtaken(self) -> list[Request]:
        """Some of what was held back, whose time has come."""
        with self._lock:
            if len(self._held) < 3 or self._calm:
                return []
            found, self._held = self._held[:1], self._held[1:]
            return found

    def calm(self) -> None:
        self._calm = True

    def release(self) -> int:
        """Everything that was held back arrives now, the latest first; how many there were."""
        with self._lock:
            found, self._held = self._held, []
        for request in reversed(found):
            self.forward(request)
        return len(found)

    def forward(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """What the hub answers. Raises OSError."""
        connection = http.client.HTTPConnection("127.0.0.1", self.hub_port, timeout=30)
        try:
            connection.request(request.method, request.path, request.body, request.headers)
            got = connection.getresponse()
            data = got.read()
            keep = ("content-type", "retry-after")
            headers = {name: value for name, value in got.headers.items() if name.lower() in keep}
            return got.status, headers, data
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()

    def forward_part(self, request: Request) -> None:
        """The hub gets half of the body, then the connection breaks."""
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.hub_port), timeout=30) as hub,
        ):
            head = [f"{request.method} {request.path} HTTP/1.1"]
            head += [f"{name}: {value}" for name, value in request.headers.items()]
            hub.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
            hub.sendall(request.body[: len(request.body) // 2])


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, dict(self.headers.items()), body)
        try:
            self._do(request, self.proxy.fault(request))
        except OSError:
            self.close_connection = True
        for late in self.proxy.overtaken():
            with contextlib.suppress(OSError):
                self.proxy.forward(late)

    do_GET = do_PUT = do_POST = do_DELETE = _pass

    def _do(self, request: Request, fault: str) -> None:
        proxy = self.proxy
        if fault in ("drop request", "overtaken", "cut request"):
            if fault == "overtaken":
                proxy.hold(request)
            elif fault == "cut request":
                proxy.forward_part(request)
            self.close_connection = True
            return
        if fault == "busy":
            data = b'{"code":"unavailable","message":"not now","hint":""}'
            self._answer(500, {"Content-Type": "application/json"}, data)
            return
        if fault == "twice":
            proxy.forward(request)
        if fault == "again later":
            proxy.hold(request)
        if fault == "slow":
            time.sleep(0.05)
        status, headers, data = proxy.forward(request)
        if fault == "drop answer":
            self.close_connection = True
            return
        self._answer(status, headers, data, cut=fault == "cut answer")

    def _answer(
        self, status: int, headers: dict[str, str], data: bytes, *, cut: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is what it is here for."""


@contextlib.contextmanager
def proxy(hub_port: int, seed: int) -> Iterator[Proxy]:
    """A proxy before a hub."""

    class Handler(_Handler):
        pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        made = Proxy(server.server_port, hub_port, seed)
        Handler.proxy = made
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
