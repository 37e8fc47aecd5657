"""The access log: one line per request; a query string is never logged."""

import logging
import time
from typing import Any

from flask import Flask, Response, g, request

from app.core.logs import configure_logging
from app.core.platform import Platform

access = logging.getLogger("berth.access")


def init_logging(app: Flask) -> None:
    platform: Platform = app.extensions["berth"]
    configure_logging(platform.settings)

    @app.before_request
    def start_clock() -> None:
        g.started = time.monotonic()

    @app.after_request
    def log_request(response: Response) -> Response:
        access.info("request", extra={"fields": _access_fields(response)})
        return response


def _access_fields(response: Response) -> dict[str, Any]:
    return {
        "request_id": g.get("request_id"),
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "ms": round((time.monotonic() - g.get("started", time.monotonic())) * 1000, 1),
    }
