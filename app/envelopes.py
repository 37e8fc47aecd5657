"""How a refusal looks on the wire: one function per envelope of auth-errors-conventions.md 5."""

from collections.abc import Callable
from typing import Any

from app.core import errors
from app.core.errors import BerthError, FieldsError, InternalError

Envelope = Callable[[BerthError], dict[str, Any]]

STATUS: dict[type[BerthError], int] = {
    errors.InvalidError: 400,
    errors.UnauthorizedError: 401,
    errors.PaymentRequiredError: 402,
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
    errors.ConflictError: 409,
    errors.TooLargeError: 413,
    errors.RateLimitedError: 429,
    errors.UpstreamError: 502,
    errors.UnavailableError: 503,
}

_TOKENS = {
    400: "invalid_body",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    413: "body_too_large",
    429: "rate_limited",
}


def status_of(error: BerthError) -> int:
    """The HTTP status of the nearest class that the table knows."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def flat(error: BerthError) -> dict[str, Any]:
    """E3a, E3b, E7: `{"message", "code"?, extras}`; with a token `{"error": token, extras}`."""
    if error.token is not None:
        message = {"message": error.message} if error.message else {}
        return {"error": error.token, **message, **error.extras}
    if isinstance(error, FieldsError):
        return {"message": error.message, "errors": error.errors}
    code = {"code": error.code} if error.code and error.code not in _TOKENS.values() else {}
    return {"message": error.message, **code, **error.extras}


def flat_with_detail(error: BerthError) -> dict[str, Any]:
    """`flat`, and the request id as `detail` of a 500 (deploy.md 1.6)."""
    if isinstance(error, InternalError):
        return {"message": error.message, "detail": error.request_id}
    return flat(error)


def token(error: BerthError) -> dict[str, Any]:
    """E3c: `{"error": "<token>", extras}`."""
    word = error.token or error.code or _TOKENS.get(status_of(error), "internal_error")
    return {"error": word, **error.extras}


def nested(error: BerthError) -> dict[str, Any]:
    """E2: `{"error": {"message"}}`; the code travels in the header only."""
    return {"error": {"message": error.message}}


def canonical(error: BerthError) -> dict[str, Any]:
    """E1: `{"error": {"code", "message", extras}}`."""
    code = error.code or _TOKENS.get(status_of(error), "internal_error")
    retry = {"retry_after": error.retry_after_seconds} if error.retry_after_seconds else {}
    return {"error": {"code": code, "message": error.message, **error.extras, **retry}}


def reason(error: BerthError) -> dict[str, Any]:
    """E4: `{"ok": false, "reason"}`."""
    return {"ok": False, "reason": error.token or error.code or "bad_request", **error.extras}


def availability(error: BerthError) -> dict[str, Any]:
    """E5: `{"available": false, "code", "error"}` for a slug that cannot be taken; anything else is flat."""
    if isinstance(error, errors.InvalidError):
        return {"available": False, "code": error.code, "error": error.message}
    return flat(error)
