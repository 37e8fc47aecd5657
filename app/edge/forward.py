"""Send a request to a tool and stream its answer back, holding neither body in memory.

A connection serves one request: an idle one kept for later would occupy a tool that serves one at a time,
and the race in which a tool closes it would lose requests that must not be repeated.
"""

import errno
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPException

from flask import Response
from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.response import HTTPResponse
from urllib3.util import SKIP_HEADER
from werkzeug.datastructures import Headers

from app.edge.client_watch import watch_client
from app.edge.headers import to_response_headers
from app.edge.inbound import CHUNK_BYTES, Inbound, NoAnswerError

CONNECT_SECONDS = 10
FIRST_BYTE_SECONDS = 100
_WITHOUT_BODY = frozenset({204, 304})


class ToolResponse(Response):
    """What a tool answered, sent on as it is: no type is added and no header is changed."""

    default_mimetype = None

    def get_wsgi_headers(self, environ: object) -> Headers:
        return self.headers


def forward(inbound: Inbound) -> Response:
    """The tool's answer, its body still to be read; raises NoAnswerError."""
    connection = HTTPConnection(*inbound.address, timeout=CONNECT_SECONDS, blocksize=CHUNK_BYTES)
    stop_watching: Callable[[], None] | None = None
    try:
        connection.connect()
        upstream: socket.socket = connection.sock
        connection.timeout = FIRST_BYTE_SECONDS
        _send(connection, inbound)
        stop_watching = watch_client(inbound.client, upstream)
        answer = connection.getresponse()
        # An event stream may be silent for as long as it likes.
        upstream.settimeout(None)
    except BaseException as error:
        if stop_watching:
            stop_watching()
        connection.close()
        raise _translate(error) from None

    def finish() -> None:
        stop_watching()
        answer.close()
        connection.close()

    return _pass_on(answer, inbound, finish)


def _send(connection: HTTPConnection, inbound: Inbound) -> None:
    # Headers that the visitor did not send are not made up on the way.
    unsent = {name: SKIP_HEADER for name in ("User-Agent", "Accept-Encoding") if name not in inbound.headers}
    try:
        connection.request(
            inbound.method,
            inbound.target,
            body=inbound.body,
            headers={**inbound.headers, **unsent},
            preload_content=False,
            decode_content=False,
        )
    except (BrokenPipeError, ConnectionResetError):
        # A tool may answer, "too large" for example, without reading the whole body.
        return


def _pass_on(answer: HTTPResponse, inbound: Inbound, finish: Callable[[], None]) -> Response:
    headers = Headers(to_response_headers(answer.headers.iteritems(), inbound.visit))
    if inbound.method == "HEAD" or answer.status in _WITHOUT_BODY:
        finish()
        return ToolResponse((), answer.status, headers)
    response = ToolResponse(_chunks(answer), answer.status, headers)
    response.call_on_close(finish)
    return response


def _chunks(answer: HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := answer.read1(CHUNK_BYTES):
            yield chunk
    except (HTTPError, OSError):
        # Half an answer must not look whole: this makes the server cut the visitor's connection.
        raise ConnectionResetError(errno.ECONNRESET, "the tool ended its answer early") from None


def _translate(error: BaseException) -> BaseException:
    # Refused, although urllib3 derives it from its time-out.
    if isinstance(error, NewConnectionError):
        return NoAnswerError(502)
    if isinstance(error, ConnectTimeoutError | TimeoutError):
        return NoAnswerError(504)
    if isinstance(error, HTTPError | HTTPException | OSError):
        return NoAnswerError(502)
    return error
