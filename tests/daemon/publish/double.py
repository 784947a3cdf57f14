"""A hub in the test's own process, in memory: the rules of `core.hub` as plainly as they can be
written, and answers that a test dictates.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import zstandard

from opensession.core.hail_lines import chain, chain_start
from opensession.core.hub import hub_session_key

ACCOUNT = "0123456789abcdef"

Answer = tuple[int, dict[str, str], Any]


class Kept:
    """What is there of one session."""

    def __init__(self, generation: int, rewind: int, header: bytes, lines: list[bytes]) -> None:
        self.generation = generation
        self.rewind = rewind
        self.header = header
        self.lines = lines
        self.gone = False


class Double:
    """`dictate`, where it gives an answer, is asked before the rules; so many lines as `most_lines`
    are taken at once.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.sessions: dict[str, Kept] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.bearers: set[str] = set()
        self.most_lines = 10_000
        self.dictate: Callable[[str, str], Answer | None] = lambda method, path: None

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        said = self.dictate(method, path)
        if said is not None:
            return said
        if path == "/api/health":
            return 200, {}, {"status": "ok", "version": "double"}
        if path == "/api/auth/verify":
            return 200, {}, {"user_id": ACCOUNT, "nickname": "ann", "scopes": ["publish"]}
        name = urllib.parse.unquote(path.split("/")[3])
        if method == "DELETE":
            kept = self.sessions.get(name)
            if kept is None or kept.gone:
                return 404, {}, {"code": "not_found", "message": "nothing is there"}
            kept.gone, kept.lines = True, []
            return 204, {}, None
        header, *lines = body.rstrip(b"\n").split(b"\n")
        if len(lines) > self.most_lines:
            return 413, {}, {"code": "too_large", "message": "too much at once"}
        return self._put(name, query, header, lines)

    def _put(self, name: str, query: dict[str, str], header: bytes, lines: list[bytes]) -> Answer:
        pair = int(query["generation"]), int(query["rewind"])
        first, before = int(query["from"]), query["chain"]
        key = hub_session_key(ACCOUNT, query["device"], query["agent"], name)
        start = chain_start(key, pair[0])
        kept = self.sessions.get(name)
        if kept is None or (kept.gone and pair[0] > kept.generation):
            if (first, before) != (1, start.hex()):
                return self._conflict(name, key)
            self.sessions[name] = Kept(*pair, header, lines)
            return self._receipt(name, key)
        if kept.gone:
            return self._conflict(name, key)
        mine = kept.generation, kept.rewind
        if pair < mine:
            return self._conflict(name, key)
        if pair[0] > mine[0]:
            if (first, before) != (1, start.hex()):
                return self._conflict(name, key)
            self.sessions[name] = Kept(*pair, header, lines)
            return self._receipt(name, key)
        if first > len(kept.lines) + 1 or before != self._chain(key, kept, first - 1).hex():
            return self._conflict(name, key)
        if pair[1] > mine[1]:
            kept.rewind, kept.header = pair[1], header
            kept.lines = kept.lines[: first - 1] + lines
            return self._receipt(name, key)
        there = kept.lines[first - 1 : first - 1 + len(lines)]
        if there != lines[: len(there)]:
            return self._conflict(name, key)
        if first - 1 + len(lines) >= len(kept.lines):
            kept.header = header
        kept.lines += lines[len(there) :]
        return self._receipt(name, key)

    def _chain(self, key: str, kept: Kept, seq: int) -> bytes:
        now = chain_start(key, kept.generation)
        for line in kept.lines[:seq]:
            now = chain(now, line)
        return now

    def _receipt(self, name: str, key: str) -> Answer:
        have = self._have(name, key)
        return 200, {}, {"id": name, "url": f"{self.url}/s/{name}", **have}

    def _conflict(self, name: str, key: str) -> Answer:
        have = self._have(name, key)
        status, code = (410, "gone") if have.get("gone") else (409, "conflict")
        return status, {}, {"code": code, "message": "not so", "have": have}

    def _have(self, name: str, key: str) -> dict[str, Any]:
        kept = self.sessions.get(name)
        if kept is None:
            return {}
        if kept.gone:
            return {"generation": kept.generation, "rewind": kept.rewind, "gone": True}
        return {
            "generation": kept.generation,
            "rewind": kept.rewind,
            "seq": len(kept.lines),
            "chain": self._chain(key, kept, len(kept.lines)).hex(),
        }


@contextlib.contextmanager
def double() -> Iterator[Double]:
    """A double that answers."""
    made: Double

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            parts = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(parts.query))
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Content-Encoding") == "zstd":
                body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
            made.bearers.add(self.headers.get("Authorization", ""))
            made.requests.append((f"{self.command} {parts.path}", query))
            status, headers, value = made.answer(self.command, parts.path, query, body)
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            for name, said in headers.items():
                self.send_header(name, said)
            self.send_header("Content-Length", "0" if status == 204 else str(len(data)))
            self.end_headers()
            if status != 204:
                self.wfile.write(data)

        do_GET = do_PUT = do_POST = do_DELETE = _answer

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Double(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        # One request after the other: the handler of a connection that is kept alive would hold it.
        Handler.protocol_version = "HTTP/1.0"
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
