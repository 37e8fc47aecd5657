"""What can go wrong, in words; `app.http` alone knows which HTTP status each class is."""

from collections.abc import Mapping
from typing import Any


class BerthError(Exception):
    """Base of every refusal that a caller may read.

    `message` is for people, `code` for clients. `token` marks the rows whose body is
    `{"error": token}` instead of `{"message", "code"}`; `extras` stand beside either;
    `header_code` is sent as `Vendo-Error-Code`.
    """

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        token: str | None = None,
        extras: Mapping[str, Any] | None = None,
        retry_after_seconds: int | None = None,
        header_code: str | None = None,
    ) -> None:
        super().__init__(message or code or token or type(self).__name__)
        self.message = message
        self.code = code
        self.token = token
        self.extras = dict(extras or {})
        self.retry_after_seconds = retry_after_seconds
        self.header_code = header_code


class InvalidError(BerthError):
    """The request says something that cannot be taken."""


class FieldsError(InvalidError):
    """Named fields of the body are wrong; `errors` maps each to its reasons."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("Invalid request body")
        self.errors = dict(errors)


class UnauthorizedError(BerthError):
    """Nobody is signed in, or the credential is not valid."""

    def __init__(self, message: str = "Unauthorized", **kwargs: Any) -> None:
        super().__init__(message, **kwargs)


class PaymentRequiredError(BerthError):
    """The wallet cannot pay."""


class ForbiddenError(BerthError):
    """The caller is known and may not."""


class NotFoundError(BerthError):
    """Absent, or not the caller's: both answer alike, so that ids cannot be probed."""

    def __init__(self, message: str = "Not found", **kwargs: Any) -> None:
        super().__init__(message, **kwargs)


class ConflictError(BerthError):
    """The state of the thing does not allow it now."""


class TooLargeError(BerthError):
    """The body is over the route's limit."""

    def __init__(self, message: str = "Request body too large", **kwargs: Any) -> None:
        super().__init__(message, **kwargs)


class RateLimitedError(BerthError):
    """Too many calls in the window."""

    def __init__(self, message: str = "Rate limit exceeded", **kwargs: Any) -> None:
        super().__init__(message, **kwargs)


class UpstreamError(BerthError):
    """A part that Berth needs for this call did not answer."""


class UnavailableError(BerthError):
    """Not now; the same call may work later."""


class InternalError(BerthError):
    """A bug, or a part that is down; `detail` is the request id, never a stack trace."""

    def __init__(self, request_id: str) -> None:
        super().__init__("Internal server error")
        self.request_id = request_id
