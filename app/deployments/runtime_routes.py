"""Runtime API: what a deployed tool asks with its App Key. No cookie, no CORS, never cached."""

from flask import Blueprint, Response, g, request

from app.core.errors import UnauthorizedError
from app.deployments.runtime import ConnectionList, authenticate_app, list_connections
from app.envelopes import canonical, nested
from app.http import Call, Doc, route
from app.identity.keys import parse_bearer

bp = Blueprint("runtime", __name__)

_DOC = Doc(
    "The connections of the calling app, with the credentials it may use",
    auth=("app_key",),
    returns=ConnectionList,
    errors=(401, 403, 500),
)


@bp.after_request
def forbid_caching(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@route(bp, "GET", "/api/deployments/me/connections", _DOC, envelope=nested)
def show_connections(call: Call) -> ConnectionList:
    bearer = parse_bearer(request.headers.get("Authorization"))
    caller = authenticate_app(call.session, call.platform, bearer)
    _check_user()
    is_sandbox = request.args.get("sandbox") == "1"
    return ConnectionList(connections=list_connections(call.session, call.platform, caller, is_sandbox))


def _check_user() -> None:
    """Refuse a user token: no issuer of identity tokens is known, so none can be good."""
    if request.headers.get("X-Vendo-User-JWT"):
        g.envelope = canonical
        raise UnauthorizedError("Invalid user token", code="app_unknown", header_code="app_unknown")
