"""One format for every process: JSON lines on standard error; `make up` renders them for a person."""

import json
import logging
import sys
import traceback
from typing import Any

from app.core.clock import iso, utc_now
from app.core.config import Settings

_NOISY = ("urllib3", "docker", "amqp", "kombu")


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
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def describe_bug(error: BaseException) -> dict[str, str]:
    """Class and place of an exception; its text may quote a statement or a body, so it stays out."""
    return {"error": type(error).__name__, "trace": "".join(traceback.format_tb(error.__traceback__))}
