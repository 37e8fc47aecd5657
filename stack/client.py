"""A small client of Berth's public API with a session cookie, for the seed and the demo."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from stack.errors import StackError


class ApiError(StackError):
    """Berth answered an error."""

    def __init__(self, method: str, path: str, status: int, body: Any) -> None:
        reason = body.get("message") or body.get("error") if isinstance(body, dict) else None
        super().__init__(f"{method} {path} answered {status}: {reason or 'no reason given'}")
        self.status = status
        self.body = body


class BerthClient:
    """Calls Berth on this machine under the host name of its public address."""

    def __init__(self, address: str, public_url: str) -> None:
        self.public_url = public_url
        self._address = address
        self._host = urlsplit(public_url).netloc
        self._cookie = ""
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def sign_in(self, email: str, password: str) -> None:
        """Keep the session of this user for the calls that follow; ApiError 401 for a wrong password."""
        self._cookie = ""
        self.call("POST", "/api/auth/sign-in", {"email": email, "password": password})

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Send JSON, return the parsed answer; ApiError for an error answer, StackError for none."""
        content = self.fetch(method, path, body, {"Accept": "application/json", **(headers or {})})
        return json.loads(content) if content else None

    def fetch(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> bytes:
        """Send one request and return the answer's bytes; errors as in `call`."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Host": self._host, "Content-Type": "application/json", "Cookie": self._cookie}
        address = self._address + path
        request = urllib.request.Request(address, data, {**sent, **(headers or {})}, method=method)  # noqa: S310
        try:
            with self._opener.open(request, timeout=30) as response:
                # By hand: a jar would hold a Secure cookie back from the plain connection on this machine.
                self._cookie = (response.headers.get("Set-Cookie") or self._cookie).split(";")[0]
                content: bytes = response.read()
                return content
        except urllib.error.HTTPError as error:
            raise ApiError(method, path, error.code, _parse(error.read())) from None
        except OSError as error:
            raise StackError(f"{method} {path} got no answer: {error}") from error


def _parse(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
