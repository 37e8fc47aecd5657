"""A deployed tool on 127.0.0.1: an HTTP server of this process that does what its path says."""

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from stack.ports import wait_until

CHUNK = b"x" * 65_536


class ToolServer(ThreadingHTTPServer):
    """`seen` holds every request; a stream says its second word when `speak` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ToolHandler)
        self.seen: list[dict[str, Any]] = []
        self.speak = threading.Event()
        self.visitor_left = threading.Event()

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def last(self) -> dict[str, Any]:
        return self.seen[-1]

    def wait_for_request(self) -> bool:
        return wait_until(lambda: bool(self.seen), 5)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor who leaves is what some tests are about."""


class ToolHandler(BaseHTTPRequestHandler):
    """Each `do_…` of the path answers in its own way; anything else is echoed as JSON."""

    protocol_version = "HTTP/1.1"
    server: ToolServer

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if not self.parse_request():
            return
        names = [(name, value) for name, value in self.headers.items()]
        target = self.requestline.split(" ")[1]
        self.server.seen.append({"method": self.command, "target": target, "headers": names})
        word = self.path.rpartition("/")[2].partition("?")[0]
        getattr(self, f"answer_{word}", self.answer_echo)()
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are in `seen`."""

    def answer_echo(self) -> None:
        size, digest = 0, hashlib.sha256()
        for chunk in self._body():
            size += len(chunk)
            digest.update(chunk)
        body = json.dumps({**self.server.last, "size": size, "sha256": digest.hexdigest()}).encode()
        self._start(200, ("Content-Type", "application/json"), ("Content-Length", str(len(body))))
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_headers(self) -> None:
        self._start(
            203,
            ("Cache-Control", "public, max-age=60"),
            ("X-Request-Id", "tools-own"),
            ("Set-Cookie", "theme=dark; Path=/"),
            ("Set-Cookie", "berth_session=forged"),
            ("Set-Cookie", "vendo_proxy_session=forged; Path=/"),
            ("Set-Cookie", "wide=1; domain=.LOCALHOST"),
            ("Connection", "X-Secret-Hop"),
            ("X-Secret-Hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Content-Length", "0"),
        )

    def answer_redirect(self) -> None:
        self._start(302, ("Location", "/elsewhere?a=b%20c"), ("Content-Length", "0"))

    def answer_empty(self) -> None:
        self._start(204)

    def answer_unchanged(self) -> None:
        self._start(304, ("ETag", '"1"'))

    def answer_gzip(self) -> None:
        self._start(200, ("Content-Encoding", "gzip"), ("Content-Length", "4"))
        self.wfile.write(b"\x1f\x8b\x00\x00")

    def answer_large(self) -> None:
        self._start(200, ("Content-Length", str(1600 * len(CHUNK))))
        for _ in range(1600):
            self.wfile.write(CHUNK)

    def answer_refuse(self) -> None:
        """Answers without reading the body and hangs up."""
        self._start(413, ("Content-Length", "3"), ("Connection", "close"))
        self.wfile.write(b"big")
        self.close_connection = True

    def answer_short(self) -> None:
        self._start(200, ("Content-Length", "100"))
        self.wfile.write(b"only this")
        self.close_connection = True

    def answer_cut(self) -> None:
        self._start(200, ("Transfer-Encoding", "chunked"))
        self.wfile.write(b"5\r\nfirst\r\n")
        self.close_connection = True

    def answer_until_close(self) -> None:
        self._start(200, ("Connection", "close"))
        self.wfile.write(b"to the end")
        self.close_connection = True

    def answer_stream(self) -> None:
        self._start(200, ("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"))
        self.wfile.write(b"7\r\nfirst\n\n\r\n")
        self.wfile.flush()
        self.server.speak.wait(30)
        self.wfile.write(b"8\r\nsecond\n\n\r\n0\r\n\r\n")

    def answer_silent(self) -> None:
        """Says one word and waits for the visitor to leave."""
        self._start(200, ("Transfer-Encoding", "chunked"))
        self.wfile.write(b"5\r\nhello\r\n")
        self.wfile.flush()
        self._wait_for_the_end()

    def answer_never(self) -> None:
        self._wait_for_the_end()

    def answer_garbage(self) -> None:
        self.wfile.write(b"this is not HTTP\r\n\r\n")
        self.close_connection = True

    def answer_socket(self) -> None:
        """Upgrades, greets in the same packet, then sends back what it hears until it hears `bye`."""
        self._start(101, ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "ok"))
        self.wfile.write(b"greeting")
        self.wfile.flush()
        while data := self.connection.recv(65_536):
            if data == b"bye":
                break
            self.connection.sendall(data)
        else:
            self.server.visitor_left.set()
        self.close_connection = True

    def answer_refused_socket(self) -> None:
        self._start(403, ("Content-Length", "2"))
        self.wfile.write(b"no")

    def _start(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = self.close_connection or ("Connection", "close") in headers

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left and (chunk := self.rfile.read(min(left, 65_536))):
            left -= len(chunk)
            yield chunk

    def _wait_for_the_end(self) -> None:
        self.connection.settimeout(30)
        if self.connection.recv(1) == b"":
            self.server.visitor_left.set()
        self.close_connection = True


@contextmanager
def run_tool() -> Iterator[ToolServer]:
    server = ToolServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.speak.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def closed_port() -> int:
    """A port of this machine that refuses connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
