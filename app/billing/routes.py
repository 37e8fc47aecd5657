"""`GET /api/billing/balance`: what a tool may still spend, for its App Key or Connection Key."""

import re

from flask import Blueprint, Response, current_app, request
from flask_cors.core import get_cors_options, set_cors_headers

from app.billing.schemas import BalanceBody
from app.billing.service import read_balance
from app.core.errors import UnauthorizedError
from app.core.urls import top_up_url
from app.envelopes import nested
from app.http import Call, Doc, client_ip, platform, route
from app.identity.keys import authenticate_key, parse_bearer
from app.identity.principals import KeyPrincipal

bp = Blueprint("balance", __name__)

_DOC = Doc(
    "What the caller's workspace may still spend",
    auth=("app_key", "connection_key"),
    returns=BalanceBody,
    errors=(401, 429, 500),
)
_ALLOWED_HEADERS = ("Authorization", "Content-Type")
# Browser SDKs ask for these; a client that does not ask never sees them.
_ALLOWED_ON_REQUEST = ("Vendo-API-Version", "X-Vendo-User-JWT", "Idempotency-Key")
_EXPOSED_HEADERS = ["Vendo-Error-Code", "Retry-After"]
_JWT = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}")


@bp.before_request
def answer_preflight() -> Response | None:
    return Response(status=204) if request.method == "OPTIONS" else None


@bp.after_request
def send_headers(response: Response) -> Response:
    _allow_origin(response, platform().settings.base_domain)
    # flask-cors names methods and headers on some preflights only; the contract wants them on every answer.
    response.headers["Access-Control-Allow-Methods"] = "GET, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = ", ".join([*_ALLOWED_HEADERS, *_asked_for()])
    response.headers["Cache-Control"] = "no-store"
    return response


@route(bp, "GET", "/api/billing/balance", _DOC, envelope=nested)
def show_balance(call: Call) -> BalanceBody:
    settings = call.platform.settings
    call.check_limit("billing.balance", settings.balance_limit, client_ip())
    balance = read_balance(call.session, _authenticate(call).tenant_id)
    return BalanceBody(
        credits_remaining_micros=balance.available_micros, currency="USD", top_up_url=top_up_url(settings)
    )


def _authenticate(call: Call) -> KeyPrincipal:
    """Token detection by dot counting (auth-errors-conventions.md 3A)."""
    bearer = parse_bearer(request.headers.get("Authorization"))
    if bearer is None:
        raise UnauthorizedError("Missing Bearer token", header_code="app_unknown")
    if _JWT.fullmatch(bearer):
        raise UnauthorizedError("Invalid or revoked token", header_code="app_unknown")
    return authenticate_key(call.session, call.platform.cache, bearer)


def _allow_origin(response: Response, base_domain: str) -> None:
    """Name the origin of a tool under BASE_DOMAIN; everyone else gets `*` (billing.md 3)."""
    tools = re.compile(rf"https?://([a-z0-9-]+\.)+{re.escape(base_domain)}(:\d+)?\Z", re.IGNORECASE)
    is_tool = tools.match(request.headers.get("Origin", "")) is not None
    rules = {"origins": [tools] if is_tool else "*", "send_wildcard": not is_tool}
    options = get_cors_options(current_app, {**rules, "expose_headers": _EXPOSED_HEADERS})
    set_cors_headers(response, options)


def _asked_for() -> list[str]:
    names = request.headers.get("Access-Control-Request-Headers", "").lower().split(",")
    asked = {name.strip() for name in names}
    return [name for name in _ALLOWED_ON_REQUEST if name.lower() in asked]
