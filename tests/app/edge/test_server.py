"""The app proxy behind gunicorn: what only a real server and real sockets can show."""

import hashlib
import json
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected

import pytest

from tests.app.edge.conftest import Publish, Server
from tests.app.edge.tool import CHUNK, ToolServer

MEGABYTE = 1_048_576
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13")


def connect(server: Server) -> HTTPConnection:
    return HTTPConnection("127.0.0.1", server.port, timeout=20)


def open_socket(server: Server, *lines: str) -> socket.socket:
    """Send a request head as it is written."""
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    raw.sendall("\r\n".join([*lines, "", ""]).encode())
    return raw


def read_until(raw: socket.socket, mark: bytes) -> bytes:
    seen = b""
    while mark not in seen:
        data = raw.recv(65_536)
        assert data, seen
        seen += data
    return seen


def read_to_the_end(raw: socket.socket) -> bytes:
    return b"".join(iter(lambda: raw.recv(65_536), b""))


def test_the_first_chunk_arrives_before_the_second_is_sent(
    server: Server, tool: ToolServer, publish: Publish
) -> None:
    label = publish(tool.target)
    with closing(connect(server)) as visitor:
        visitor.request("GET", f"/d/{label}/stream")
        answer = visitor.getresponse()
        assert answer.getheader("Content-Type") == "text/event-stream"
        assert answer.read1(100) == b"first\n\n"
        tool.speak.set()
        assert answer.read() == b"second\n\n"


def test_many_streams_are_open_at_once(server: Server, tool: ToolServer, publish: Publish) -> None:
    label = publish(tool.target)
    visitors = [connect(server) for _ in range(60)]
    answers = []
    for visitor in visitors:
        visitor.request("GET", f"/d/{label}/stream")
        answers.append(visitor.getresponse())
    assert all(answer.read1(100) == b"first\n\n" for answer in answers)
    with closing(connect(server)) as another:
        another.request("GET", f"/d/{label}/echo")
        assert another.getresponse().status == 200
    tool.speak.set()
    assert all(answer.read() == b"second\n\n" for answer in answers)
    for visitor in visitors:
        visitor.close()


def test_a_large_upload_is_whole_and_never_held(server: Server, tool: ToolServer, publish: Publish) -> None:
    label, before = publish(tool.target), server.peak_memory()
    body = [bytes([number]) * MEGABYTE for number in range(100)]
    with closing(connect(server)) as visitor:
        visitor.request("PUT", f"/d/{label}/echo", iter(body), {"Content-Length": str(100 * MEGABYTE)})
        answer = json.loads(visitor.getresponse().read())
    expected = hashlib.sha256(b"".join(body)).hexdigest()
    assert (answer["size"], answer["sha256"]) == (100 * MEGABYTE, expected)
    assert ["Content-Length", str(100 * MEGABYTE)] in answer["headers"]
    assert server.peak_memory() - before < 30 * MEGABYTE


def test_a_large_download_is_whole_and_never_held(server: Server, tool: ToolServer, publish: Publish) -> None:
    label, before = publish(tool.target), server.peak_memory()
    size = 0
    with closing(connect(server)) as visitor:
        visitor.request("GET", f"/d/{label}/large")
        answer = visitor.getresponse()
        assert int(answer.getheader("Content-Length") or 0) == 1600 * len(CHUNK)
        while chunk := answer.read(MEGABYTE):
            size += len(chunk)
    assert size == 1600 * len(CHUNK)
    assert server.peak_memory() - before < 30 * MEGABYTE


def test_a_body_in_chunks_stays_in_chunks(server: Server, tool: ToolServer, publish: Publish) -> None:
    def body() -> Iterator[bytes]:
        yield from (b"one", b"two" * 50_000, b"three")

    with closing(connect(server)) as visitor:
        visitor.request("POST", f"/d/{publish(tool.target)}/echo", body(), encode_chunked=True)
        answer = json.loads(visitor.getresponse().read())
    assert answer["sha256"] == hashlib.sha256(b"".join(body())).hexdigest()
    assert ["Transfer-Encoding", "chunked"] in answer["headers"]


@pytest.mark.parametrize(
    "target", ["/", "/a%2Fb", "/%61%zz", "//x//y", "/a/../b", "/a;b?c=%20+%2f&d", "/a\\b", "/?"]
)
def test_the_raw_target_reaches_the_tool_in_both_forms(
    server: Server, tool: ToolServer, publish: Publish, target: str
) -> None:
    label = publish(tool.target)
    forms = ((f"/d/{label}{target}", "localhost"), (target, f"{label}.localhost"))
    for sent, host in forms:
        head = f"GET {sent} HTTP/1.1"
        with closing(open_socket(server, head, f"Host: {host}", "Connection: close")) as raw:
            assert read_to_the_end(raw).startswith(b"HTTP/1.1 200")
        assert tool.last["target"] == target


def test_one_connection_serves_many_requests(server: Server, tool: ToolServer, publish: Publish) -> None:
    label = publish(tool.target)
    with closing(connect(server)) as visitor:
        for method, word, status in (
            ("GET", "echo", 200),
            ("HEAD", "echo", 200),
            ("GET", "empty", 204),
            ("GET", "unchanged", 304),
            ("GET", "until_close", 200),
            ("POST", "echo", 200),
        ):
            visitor.request(method, f"/d/{label}/{word}")
            answer = visitor.getresponse()
            answer.read()
            assert answer.status == status


def test_a_connection_closed_after_its_answer_delays_nobody(
    server: Server, tool: ToolServer, publish: Publish
) -> None:
    # A watch left on a closed descriptor cost the next visitor a whole second.
    head = (f"GET /d/{publish(tool.target)}/echo HTTP/1.1", "Host: localhost", "Connection: close")
    seconds = []
    for _ in range(15):
        started = time.monotonic()
        with closing(open_socket(server, *head)) as raw:
            assert read_to_the_end(raw)
        seconds.append(time.monotonic() - started)
    assert statistics.median(seconds) < 0.5


def test_requests_at_once_each_get_their_own_answer(
    server: Server, tool: ToolServer, publish: Publish
) -> None:
    label = publish(tool.target)

    def ask(number: int) -> bool:
        with closing(connect(server)) as visitor:
            visitor.request("POST", f"/d/{label}/echo?n={number}", f"body {number}" * 1000)
            answer = json.loads(visitor.getresponse().read())
        expected = hashlib.sha256((f"body {number}" * 1000).encode()).hexdigest()
        return bool(answer["sha256"] == expected)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(200)))


def test_a_tool_may_answer_without_reading_the_body(
    server: Server, tool: ToolServer, publish: Publish
) -> None:
    head = (f"POST /d/{publish(tool.target)}/refuse HTTP/1.1", "Host: localhost", "Content-Length: 3000000")
    with closing(open_socket(server, *head)) as raw:
        raw.sendall(b"x" * 3_000_000)
        assert read_until(raw, b"big").startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("word", ["short", "cut"])
def test_half_an_answer_never_looks_whole(
    server: Server, tool: ToolServer, publish: Publish, word: str
) -> None:
    with closing(connect(server)) as visitor:
        visitor.request("GET", f"/d/{publish(tool.target)}/{word}")
        with pytest.raises((IncompleteRead, ConnectionResetError, RemoteDisconnected)):
            visitor.getresponse().read()


def test_a_tool_hears_at_once_that_a_silent_streams_visitor_left(
    server: Server, tool: ToolServer, publish: Publish
) -> None:
    visitor = connect(server)
    visitor.request("GET", f"/d/{publish(tool.target)}/silent")
    answer = visitor.getresponse()
    assert answer.read1(100) == b"hello"
    answer.close()
    visitor.close()
    assert tool.visitor_left.wait(5)


def test_a_tool_hears_that_the_visitor_left_before_it_answered(
    server: Server, tool: ToolServer, publish: Publish
) -> None:
    raw = open_socket(server, f"GET /d/{publish(tool.target)}/never HTTP/1.1", "Host: localhost")
    assert tool.wait_for_request()
    raw.close()
    assert tool.visitor_left.wait(5)


def test_a_pipelined_request_is_not_taken_for_a_farewell(
    server: Server, tool: ToolServer, publish: Publish
) -> None:
    label = publish(tool.target)
    first = (f"GET /d/{label}/stream HTTP/1.1", "Host: localhost", "")
    second = (f"GET /d/{label}/echo HTTP/1.1", "Host: localhost", "Connection: close")
    with closing(open_socket(server, *first, *second)) as raw:
        seen = read_until(raw, b"first")
        tool.speak.set()
        seen += read_to_the_end(raw)
    assert b"second" in seen
    assert seen.count(b"HTTP/1.1 200") == 2


def upgrade(server: Server, label: str, word: str = "socket") -> socket.socket:
    return open_socket(server, f"GET /d/{label}/{word} HTTP/1.1", "Host: localhost", *UPGRADE)


def test_a_websocket_carries_bytes_both_ways(server: Server, tool: ToolServer, publish: Publish) -> None:
    with closing(upgrade(server, publish(tool.target))) as raw:
        seen = read_until(raw, b"greeting")
        assert seen.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
        assert b"sec-websocket-accept: ok\r\n" in seen.lower()
        for number in range(20):
            raw.sendall(f"ping {number};".encode())
            assert read_until(raw, b";") == f"ping {number};".encode()
    headers = {name.lower(): value for name, value in tool.last["headers"]}
    assert (headers["upgrade"], headers["sec-websocket-key"]) == ("websocket", "x")


def test_a_websocket_works_in_the_host_form(server: Server, tool: ToolServer, publish: Publish) -> None:
    head = ("GET /socket?a=%20 HTTP/1.1", f"Host: {publish(tool.target)}.localhost", *UPGRADE)
    with closing(open_socket(server, *head)) as raw:
        read_until(raw, b"greeting")
    assert tool.last["target"] == "/socket?a=%20"


def test_a_websocket_ends_when_the_tool_ends_it(server: Server, tool: ToolServer, publish: Publish) -> None:
    with closing(upgrade(server, publish(tool.target))) as raw:
        read_until(raw, b"greeting")
        raw.sendall(b"bye")
        assert read_to_the_end(raw) == b""


def test_a_websocket_ends_when_the_visitor_leaves(server: Server, tool: ToolServer, publish: Publish) -> None:
    raw = upgrade(server, publish(tool.target))
    read_until(raw, b"greeting")
    raw.close()
    assert tool.visitor_left.wait(5)


def test_a_refused_websocket_is_an_ordinary_answer(
    server: Server, tool: ToolServer, publish: Publish
) -> None:
    with closing(upgrade(server, publish(tool.target), "refused_socket")) as raw:
        assert read_until(raw, b"\r\n\r\nno").startswith(b"HTTP/1.1 403")


def test_a_websocket_passes_no_gate_that_a_request_does_not(
    server: Server, tool: ToolServer, publish: Publish
) -> None:
    for label, status in (
        (publish(tool.target, vendo_auth_default=True), b"401"),
        (publish(tool.target, "suspended"), b"503"),
        ("nobody-here", b"404"),
    ):
        with closing(upgrade(server, label)) as raw:
            assert read_until(raw, b"\r\n\r\n").split(b" ")[1] == status
    assert tool.seen == []


def test_nothing_is_left_open_behind_the_edge(server: Server, tool: ToolServer, publish: Publish) -> None:
    label = publish(tool.target)
    for word in ("echo", "headers", "until_close", "empty", "short"):
        with closing(connect(server)) as visitor:
            visitor.request("GET", f"/d/{label}/{word}")
            visitor.getresponse()
    assert server.waits_for_no_connection_to(tool.server_address[1])
