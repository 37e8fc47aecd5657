"""`/api/api/...` is `/api/...`: a client whose base URL ends in `/api` still reaches its route."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_REPEATED = "/api/api/"


class SingleApiPrefix:
    """WSGI middleware that drops one repeated `/api`."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(_REPEATED):
            environ["PATH_INFO"] = path.removeprefix("/api")
        return self._application(environ, start_response)


def init_single_prefix(app: Flask) -> None:
    app.wsgi_app = SingleApiPrefix(app.wsgi_app)  # type: ignore[method-assign]
