"""Host form: `{label}.{BASE_DOMAIN}/x` is served as `/d/{label}/x`.

Berth's own host comes first. Everything else under BASE_DOMAIN is a label: `auth`, `credentials`, `hooks`,
`*-proxy` and names of several levels cannot belong to a deployment, so they find no route and answer 404.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Flask

from app.core.config import Settings
from app.core.urls import tool_api_url
from app.http import platform_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Set by this middleware alone; a client can only make keys that start with `HTTP_`.
HOST_FORM = "berth.host_form"


class HostRouter:
    """WSGI middleware that turns the host form of an address into its path form."""

    def __init__(self, application: "WSGIApplication", settings: Settings) -> None:
        self._application = application
        self._suffix = f".{settings.base_domain}"
        self._own = {_host_of(settings.public_host), _host_of(urlsplit(tool_api_url(settings)).netloc)}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        label = self._find_label(environ.get("HTTP_HOST", ""))
        if label is not None:
            path = environ.get("PATH_INFO", "")
            environ["PATH_INFO"] = f"/d/{label}/{path.removeprefix('/')}"
            environ[HOST_FORM] = True
        return self._application(environ, start_response)

    def _find_label(self, host_header: str) -> str | None:
        host = _host_of(host_header)
        if host in self._own or not host.endswith(self._suffix):
            return None
        return host.removesuffix(self._suffix) or None


def init_hosts(app: Flask) -> None:
    app.wsgi_app = HostRouter(app.wsgi_app, platform_of(app).settings)  # type: ignore[method-assign]


def _host_of(netloc: str) -> str:
    """The name without its port, folded; an IPv6 address keeps its brackets."""
    host = netloc.strip().lower()
    if not host.endswith("]"):
        host = host.rpartition(":")[0] or host
    return host.removesuffix(".")
