"""`create_app`: a list of what Berth's web process consists of."""

import logging
import uuid
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from app.commands import init_commands
from app.core.config import Settings
from app.core.errors import BerthError, InternalError
from app.core.logs import describe_bug
from app.core.platform import create_platform
from app.edge.hosts import init_hosts
from app.envelopes import flat, status_of
from app.http import OriginError, init_limiter, json_response
from app.logs import init_logging
from app.openapi import init_docs
from app.repeated_prefix import init_single_prefix
from app.slices import init_slices

log = logging.getLogger(__name__)


def create_app(settings: Settings) -> Flask:
    """The web application of these settings; opens no connection before the first request."""
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["berth"] = create_platform(settings, "berth-web")
    steps: tuple[Callable[[Flask], Any], ...] = (
        init_logging,
        init_request_ids,
        init_errors,
        init_limiter,
        init_slices,
        init_docs,
        init_commands,
        init_single_prefix,
        init_hosts,
    )
    for init in steps:
        init(app)
    return app


def init_request_ids(app: Flask) -> None:
    @app.before_request
    def name_request() -> None:
        g.request_id = uuid.uuid4().hex

    @app.after_request
    def send_request_id(response: Response) -> Response:
        # A tool's own, passed on by the edge, stays.
        response.headers.setdefault("X-Request-Id", g.get("request_id", ""))
        return response


def init_errors(app: Flask) -> None:
    app.register_error_handler(BerthError, answer_refusal)
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(Exception, answer_bug)


def answer_refusal(error: BerthError) -> Response:
    envelope = flat if isinstance(error, OriginError) else g.get("envelope", flat)
    response = json_response(envelope(error), status_of(error))
    if error.header_code:
        response.headers["Vendo-Error-Code"] = error.header_code
    if error.retry_after_seconds:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def answer_http_error(error: HTTPException) -> Response:
    texts = {NotFound: "Not found", MethodNotAllowed: "Method not allowed"}
    if isinstance(error, RequestEntityTooLarge):
        texts[RequestEntityTooLarge] = "Request body too large"
    response = json_response({"message": texts.get(type(error), error.name)}, error.code or 500)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def answer_bug(error: Exception) -> Response:
    fields = {"request_id": g.get("request_id"), **describe_bug(error)}
    log.error("%s %s failed", request.method, request.path, extra={"fields": fields})
    return json_response(g.get("envelope", flat)(InternalError(g.get("request_id", ""))), 500)
