"""The few Docker Engine calls that the supervisor makes, over http.client: it stays small in memory."""

import http.client
import json
import socket
import ssl
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.errors import StackError


class EngineError(StackError):
    """The engine answered an error or did not answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass(frozen=True)
class EngineApi:
    """A Docker engine at `unix://...` or `tcp://...` (with TLS when a certificate folder is given)."""

    docker_host: str
    certificates: Path | None = None
    timeout_seconds: float = 30.0

    def ping(self) -> bool:
        """Whether an engine answers there."""
        try:
            self.call("GET", "/_ping")
        except EngineError:
            return False
        return True

    def call(
        self, method: str, path: str, body: object = None, content: Iterable[bytes] | None = None
    ) -> Any:
        """Send one request and return the parsed answer; EngineError for a failure or a status over 399."""
        return _parse(self.fetch(method, path, body, content))

    def fetch(
        self, method: str, path: str, body: object = None, content: Iterable[bytes] | None = None
    ) -> bytes:
        """Send one request, JSON or a tar stream, and return the answer's bytes; errors as in `call`."""
        connection = self._connect()
        headers = {"Content-Type": "application/x-tar" if content is not None else "application/json"}
        payload = (
            content if content is not None else (json.dumps(body).encode() if body is not None else None)
        )
        try:
            connection.request(method, path, payload, headers, encode_chunked=content is not None)
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"the Docker engine at {self.docker_host} does not answer: {error}") from error
        finally:
            connection.close()
        if response.status >= 400:
            raise EngineError(_message(data), response.status)
        return data

    def _connect(self) -> http.client.HTTPConnection:
        address = urllib.parse.urlsplit(self.docker_host)
        if address.scheme == "unix":
            return _UnixConnection(address.path, self.timeout_seconds)
        if address.scheme in ("tcp", "http", "https") and address.hostname:
            return self._connect_tcp(address.hostname, address.port or 2375)
        raise StackError(f"DOCKER_HOST={self.docker_host} is not unix://path or tcp://host:port", exit_code=2)

    def _connect_tcp(self, host: str, port: int) -> http.client.HTTPConnection:
        if self.certificates is None:
            return http.client.HTTPConnection(host, port, timeout=self.timeout_seconds)
        context = ssl.create_default_context(cafile=str(self.certificates / "ca.pem"))
        context.load_cert_chain(self.certificates / "cert.pem", self.certificates / "key.pem")
        return http.client.HTTPSConnection(host, port, timeout=self.timeout_seconds, context=context)


def _parse(data: bytes) -> Any:
    """Most answers are one JSON value; pulls and imports are one per line, of which the last one counts."""
    lines = data.decode(errors="replace").strip().splitlines()
    try:
        return json.loads(data) if len(lines) == 1 else json.loads(lines[-1])
    except (ValueError, IndexError):
        return None


def _message(data: bytes) -> str:
    answer = _parse(data)
    return str(answer["message"]) if isinstance(answer, dict) and "message" in answer else "no reason given"
