"""Carry a WebSocket: pass the handshake on, then pump bytes between the two sockets until one side ends."""

import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import Thread
from typing import TYPE_CHECKING

from flask import Response

from app.edge.forward import CONNECT_SECONDS, FIRST_BYTE_SECONDS, ToolResponse
from app.edge.headers import to_response_headers
from app.edge.inbound import CHUNK_BYTES, Inbound, NoAnswerError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_SWITCHING_PROTOCOLS = 101


class TunnelResponse(Response):
    """Takes the visitor's socket from the server and gives it back only to be closed."""

    def __init__(self, client: socket.socket, upstream: socket.socket, answer: HTTPResponse) -> None:
        super().__init__(status=_SWITCHING_PROTOCOLS)
        self._client, self._upstream, self._answer = client, upstream, answer

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        ends = (self._client, self._upstream)
        try:
            self._client.sendall(self._head())
            outward = Thread(target=_pump, args=(self._read_client, self._upstream, ends), daemon=True)
            outward.start()
            # Not the socket but its reader: the first frames may have arrived together with the handshake.
            _pump(lambda: self._answer.fp.read1(CHUNK_BYTES), self._client, ends)
            outward.join()
        finally:
            self._answer.close()
            self._upstream.close()
        # gunicorn takes this as: the connection is used up, send nothing and close it.
        raise StopIteration

    def _read_client(self) -> bytes:
        return self._client.recv(CHUNK_BYTES)

    def _head(self) -> bytes:
        lines = [f"{name}: {value}" for name, value in self.headers.items() if name != "Content-Type"]
        return "\r\n".join(["HTTP/1.1 101 Switching Protocols", *lines, "", ""]).encode("latin-1")


def open_tunnel(inbound: Inbound) -> Response:
    """Shake hands with the tool; its refusal is passed on like any answer. Raises NoAnswerError."""
    client = inbound.client
    if client is None:
        raise NoAnswerError(501)
    connection = HTTPConnection(*inbound.address, timeout=CONNECT_SECONDS)
    try:
        answer, upstream = _shake_hands(connection, inbound)
        _wait_for_ever(client, upstream)
    except TimeoutError:
        connection.close()
        raise NoAnswerError(504) from None
    except (HTTPException, OSError):
        connection.close()
        raise NoAnswerError(502) from None
    headers = to_response_headers(answer.getheaders(), inbound.visit)
    if answer.status != _SWITCHING_PROTOCOLS:
        refusal = ToolResponse(iter(lambda: answer.read(CHUNK_BYTES), b""), answer.status, headers)
        refusal.call_on_close(connection.close)
        return refusal
    tunnel = TunnelResponse(client, upstream, answer)
    tunnel.headers.extend([*headers, ("Connection", "Upgrade"), ("Upgrade", "websocket")])
    return tunnel


def _shake_hands(connection: HTTPConnection, inbound: Inbound) -> tuple[HTTPResponse, socket.socket]:
    connection.connect()
    upstream: socket.socket = connection.sock
    upstream.settimeout(FIRST_BYTE_SECONDS)
    connection.putrequest(inbound.method, inbound.target, skip_host=True, skip_accept_encoding=True)
    for name, value in inbound.headers.items():
        connection.putheader(name, value)
    connection.putheader("Connection", "Upgrade")
    connection.putheader("Upgrade", "websocket")
    connection.endheaders()
    return connection.getresponse(), upstream


def _wait_for_ever(*ends: socket.socket) -> None:
    for end in ends:
        end.settimeout(None)
        # A peer whose machine vanished is found out; how long a silent one stays is its own affair.
        end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def _pump(read: Callable[[], bytes], sink: socket.socket, ends: Iterable[socket.socket]) -> None:
    with suppress(OSError):
        while data := read():
            sink.sendall(data)
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
