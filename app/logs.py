"""One line per request and one format for every process; a query string is never logged."""

import json
import logging
import sys
import time
from typing import Any

from flask import Flask, Response, g, request

from app.core.clock import iso, utc_now
from app.core.config import Settings
from app.core.platform import Platform

access = logging.getLogger("berth.access")


class JsonFormatter(logging.Formatter):
    """Structured lines for machines: time, level, logger, message, and what the caller added."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": iso(utc_now()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(settings: Settings) -> None:
    """Send every logger to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for noisy in ("urllib3", "docker", "amqp", "kombu"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


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
