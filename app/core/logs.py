"""One format for every process, on standard error: JSON lines, or text for a terminal."""

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


class TextFormatter(logging.Formatter):
    """The same for a person at a terminal: message first, what the caller added behind it."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, "fields", {}).items())
        line = f"{record.levelname.lower():7} {record.getMessage()} {fields}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure_logging(settings: Settings) -> None:
    """Send every logger to standard error, as JSON lines or as text."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(TextFormatter() if settings.log_format == "text" else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def describe_bug(error: BaseException) -> dict[str, str]:
    """Class and place of an exception; its text may quote a statement or a body, so it stays out."""
    return {"error": type(error).__name__, "trace": "".join(traceback.format_tb(error.__traceback__))}
