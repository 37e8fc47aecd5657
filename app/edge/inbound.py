"""One visitor's request on its way to a tool, with the request target as it was sent."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug import Request

from app.edge.headers import Visit, to_request_headers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CHUNK_BYTES = 64 * 1024


class NoAnswerError(Exception):
    """The tool cannot be reached (502), does not answer in time (504), or Berth cannot carry this (501)."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


@dataclass(frozen=True)
class Inbound:
    """What is sent to `host:port`; `client` is the visitor's socket where the server gives it out."""

    method: str
    target: str
    address: tuple[str, int]
    headers: dict[str, str] = field(repr=False)
    body: Iterator[bytes] | None = field(repr=False)
    visit: Visit
    client: socket.socket | None = field(repr=False)


def read_inbound(request: Request, upstream: str, visit: Visit) -> Inbound:
    """The request as the tool at `upstream` will receive it; its body is read only as it is sent on."""
    host, _, port = upstream.rpartition(":")
    has_body = "Content-Length" in request.headers or "Transfer-Encoding" in request.headers
    return Inbound(
        method=request.method,
        target=_raw_target(request.environ).removeprefix(visit.prefix) or "/",
        address=(host, int(port)),
        headers=to_request_headers(request.headers.items(), upstream, visit),
        body=iter(_reader(request), b"") if has_body else None,
        visit=visit,
        client=request.environ.get("gunicorn.socket"),
    )


def is_path_form(environ: "WSGIEnvironment", prefix: str) -> bool:
    """Whether the target starts with the prefix as it is spelled, so that it can be cut off unchanged."""
    return _raw_target(environ).startswith(f"{prefix}/")


def raw_query(environ: "WSGIEnvironment") -> str:
    _, mark, query = _raw_target(environ).partition("?")
    return mark + query


def _raw_target(environ: "WSGIEnvironment") -> str:
    raw: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"]
    if raw.startswith("/"):
        return raw
    # The absolute form that proxies are sent: only what follows the host is for the tool.
    parts = urlsplit(raw)
    return f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"


def _reader(request: Request) -> Callable[[], bytes]:
    return lambda: request.stream.read(CHUNK_BYTES)
