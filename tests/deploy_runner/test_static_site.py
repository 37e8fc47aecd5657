"""The server that goes into static sites, run in this process."""

import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from deploy_runner.static_site.server import StaticSiteHandler, create_server


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPConnection]:
    monkeypatch.setattr(StaticSiteHandler, "log_message", lambda *args: None)
    (tmp_path / "docs").mkdir()
    (tmp_path / "index.html").write_text("home")
    (tmp_path / "docs" / "page.html").write_text("page")
    server = create_server(str(tmp_path), 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    yield connection
    connection.close()
    server.shutdown()
    server.server_close()
    thread.join(5)


def get(connection: HTTPConnection, path: str) -> tuple[HTTPResponse, bytes]:
    connection.request("GET", path)
    response = connection.getresponse()
    return response, response.read()


@pytest.mark.parametrize(
    ("path", "body"), [("/", b"home"), ("/docs/page.html?x=1", b"page"), ("/healthz", b"ok\n")]
)
def test_pages_and_health_are_served(site: HTTPConnection, path: str, body: bytes) -> None:
    response, content = get(site, path)
    assert (response.status, content) == (200, body)


@pytest.mark.parametrize("path", ["/absent", "/docs/", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd"])
def test_nothing_else_is_shown(site: HTTPConnection, path: str) -> None:
    assert get(site, path)[0].status == 404
