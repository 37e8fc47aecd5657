"""The only shared Flask code: routes with one transaction each, principals, bodies, limits, envelopes."""

import ipaddress
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, current_app, g, request
from flask_limiter import Limiter
from limits import parse as parse_limit
from pydantic import BaseModel, ValidationError
from redis.exceptions import RedisError
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge

from app.core.errors import (
    FieldsError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RateLimitedError,
    TooLargeError,
    UnauthorizedError,
)
from app.core.platform import Platform
from app.core.text import has_unstorable_number, has_unstorable_text, is_deeper_than
from app.envelopes import Envelope, flat
from app.identity.principals import SESSION_COOKIE, Principal
from app.identity.sessions import find_principal

log = logging.getLogger(__name__)

MAX_JSON_BYTES = 1024 * 1024
# Far above any body of the contract, far below what writing it out again can recurse into.
MAX_JSON_DEPTH = 100
Model = TypeVar("Model", bound=BaseModel)
View = Callable[..., Any]


class OriginError(ForbiddenError):
    """A write with the cookie from another site; its body is flat on every route."""

    def __init__(self) -> None:
        super().__init__("Origin not allowed")


@dataclass(frozen=True)
class Doc:
    """What a route says of itself: `/openapi.json` and the contract test read it."""

    summary: str
    auth: tuple[str, ...] = ("none",)
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    returns: type[BaseModel] | None = None
    status: int = 200
    errors: tuple[int, ...] = ()
    media: str = "application/json"


@dataclass
class Call:
    """One request: its platform, its one transaction, its caller and its body."""

    platform: Platform
    _session: Session | None = field(default=None, repr=False)
    _followups: list[Callable[[], None]] = field(default_factory=list, repr=False)

    @property
    def session(self) -> Session:
        """The transaction of this request, begun at first use, committed before the answer is sent."""
        if self._session is None:
            self._session = self.platform.database.session()
        return self._session

    def then(self, followup: Callable[[], None]) -> None:
        """Run `followup` after the commit and before the answer; what it raises becomes the answer."""
        self._followups.append(followup)

    def finish(self) -> None:
        """Commit the transaction, then the follow-ups."""
        if self._session is not None:
            self._session.commit()
        for followup in self._followups:
            followup()

    def close(self) -> None:
        """Give the connection back; whatever was not committed is rolled back."""
        if self._session is not None:
            self._session.close()

    def find_principal(self) -> Principal | None:
        """Who is signed in by cookie; a bad or expired cookie is nobody."""
        token = request.cookies.get(SESSION_COOKIE)
        return find_principal(self.session, self.platform.settings, token) if token else None

    def require_principal(self) -> Principal:
        """Who is signed in, then the origin check of a write; raises UnauthorizedError, OriginError."""
        principal = self.find_principal()
        if principal is None:
            raise UnauthorizedError(code="unauthorized")
        if request.method not in {"GET", "HEAD", "OPTIONS"}:
            self.check_origin()
        return principal

    def check_origin(self) -> None:
        """Refuse a foreign `Origin`; none at all is a script and passes. Raises OriginError."""
        origin = request.headers.get("Origin")
        if origin is not None and origin.rstrip("/").lower() != self.platform.settings.public_url.lower():
            raise OriginError

    def check_limit(self, name: str, limit: str, *identifiers: str) -> None:
        """Count this call against a sliding window; raises RateLimitedError. A dead Redis lets it pass."""
        limiter = cast(Limiter, current_app.extensions["berth.limiter"]).limiter
        item = parse_limit(limit)
        try:
            if limiter.hit(item, name, *identifiers):
                return
            wait = limiter.get_window_stats(item, name, *identifiers).reset_time
        except (RedisError, OSError) as error:
            log.warning("limiter unreachable: %s", type(error).__name__)
            return
        raise RateLimitedError(retry_after_seconds=max(1, math.ceil(wait - time.time())))

    def json(self) -> Any:
        """The parsed JSON body of any type; raises InvalidError `Invalid request body`, TooLargeError."""
        return read_json()

    def object(self) -> dict[str, Any]:
        """The JSON object of the body; raises FieldsError with no fields for anything else."""
        try:
            body = self.json()
        except InvalidError:
            raise FieldsError({}) from None
        if not isinstance(body, dict):
            raise FieldsError({})
        return body

    def parse(self, model: type[Model]) -> Model:
        """The body as `model`; raises FieldsError naming each wrong field."""
        return parse_fields(model, self.object())

    def parse_optional(self, model: type[Model]) -> Model:
        """The body as `model`, or the defaults of `model` when there is no body; raises like `parse`."""
        return self.parse(model) if read_body() else model()

    def query(self, model: type[Model]) -> Model:
        """The query string as `model`; raises FieldsError naming each wrong parameter."""
        return parse_fields(model, request.args.to_dict())


def route(
    bp: Blueprint, method: str, path: str, doc: Doc, envelope: Envelope = flat
) -> Callable[[View], View]:
    """Register a view that takes a Call; one transaction around it, errors in `envelope`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def run(**kwargs: Any) -> Response:
            g.envelope = envelope
            if has_unstorable_text(kwargs):
                raise NotFoundError
            call = Call(platform())
            try:
                response = to_response(view(call, **kwargs), doc.status)
                call.finish()
            finally:
                call.close()
            return response

        run.doc = doc  # type: ignore[attr-defined]
        endpoint = f"{method.lower()}_{view.__name__}"
        bp.add_url_rule(path, endpoint, run, methods=[method], strict_slashes=False)
        return view

    return decorate


def platform() -> Platform:
    return cast(Platform, current_app.extensions["berth"])


def to_response(result: Any, status: int) -> Response:
    """A Response as it is; a model or mapping as JSON; `(body, status)` with that status."""
    if isinstance(result, tuple):
        result, status = result
    if isinstance(result, Response):
        return result
    if isinstance(result, BaseModel):
        result = result.model_dump(mode="json", by_alias=True)
    return json_response(result, status)


def json_response(body: Mapping[str, Any] | list[Any], status: int = 200) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, content_type="application/json")


def read_body() -> bytes:
    """The whole body; raises TooLargeError."""
    # A body in chunks names no length: reading stops one byte past the limit, which then tells.
    request.max_content_length = MAX_JSON_BYTES + 1
    try:
        raw = request.get_data(cache=True)
    except RequestEntityTooLarge:
        raise TooLargeError from None
    if len(raw) > MAX_JSON_BYTES:
        raise TooLargeError
    return raw


def read_json() -> Any:
    """Parse the body as JSON whatever its media type says; raises InvalidError, TooLargeError."""
    raw = read_body()
    try:
        parsed = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidError("Invalid request body", code="invalid_body") from None
    if is_deeper_than(parsed, MAX_JSON_DEPTH):
        raise InvalidError("Invalid request body", code="invalid_body")
    return parsed


def parse_fields(model: type[Model], values: Mapping[str, Any]) -> Model:
    """The values as `model`; raises FieldsError for wrong fields and for what cannot be stored."""
    try:
        parsed = model.model_validate(values)
    except ValidationError as error:
        raise FieldsError(_field_errors(error)) from None
    names = {item.alias or name for name, item in model.model_fields.items()}
    broken = {name: why for name in sorted(names & set(values)) if (why := _storage_problem(values[name]))}
    if broken:
        raise FieldsError({name: [why] for name, why in broken.items()})
    return parsed


def client_ip() -> str:
    """The peer, or what a configured proxy says the peer was."""
    trusted = [ipaddress.ip_network(item) for item in platform().settings.trusted_proxies]
    hops = [request.remote_addr or "", *reversed(request.headers.get("X-Forwarded-For", "").split(","))]
    for hop in hops:
        try:
            address = ipaddress.ip_address(hop.strip())
        except ValueError:
            break
        if not any(address in network for network in trusted):
            return str(address)
    return request.remote_addr or ""


def same_origin_path(target: str | None) -> str:
    """`target` when it is a path with query on this origin, else `/`."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return "/"
    if any(ord(char) < 0x20 for char in target) or urlsplit(target).netloc:
        return "/"
    return target


def init_limiter(app: Flask) -> None:
    limiter = Limiter(
        key_func=client_ip,
        app=app,
        strategy="moving-window",
        storage_uri=platform_of(app).settings.redis_url,
        storage_options={"socket_timeout": 2, "socket_connect_timeout": 1},
        swallow_errors=True,
    )
    app.extensions["berth.limiter"] = limiter


def platform_of(app: Flask) -> Platform:
    return cast(Platform, app.extensions["berth"])


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _storage_problem(value: Any) -> str | None:
    if has_unstorable_text(value):
        return "must not contain NUL or a lone surrogate"
    return "must not contain a number that no double holds" if has_unstorable_number(value) else None


def _field_errors(error: ValidationError) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for item in error.errors(include_url=False, include_input=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        fields.setdefault(name, []).append(item["msg"])
    return fields
