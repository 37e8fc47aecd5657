"""The app proxy: `/d/{subdomain}/…` in path form, `{subdomain}.{BASE_DOMAIN}/…` in host form."""

import ipaddress
from typing import cast

from flask import Blueprint, Flask, Response, redirect, request
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import PathConverter, Rule

from app.core.config import Settings
from app.edge import pages
from app.edge.forward import forward
from app.edge.headers import Visit
from app.edge.hosts import HOST_FORM
from app.edge.inbound import NoAnswerError, is_path_form, raw_query, read_inbound
from app.edge.service import RouteRecord, RouteTable
from app.edge.websocket import open_tunnel
from app.http import platform, platform_of

bp = Blueprint("edge", __name__, template_folder="templates")

_OWN_PATH = "__vendo"
_READY_PATH = "__vendo/ready"


class RestConverter(PathConverter):
    """Whatever follows a label, nothing and doubled slashes included."""

    regex = ".*?"
    part_isolating = False


@bp.record_once
def add_rules(state: BlueprintSetupState) -> None:
    """Map every method, WebSocket upgrades too: `add_url_rule` would need a list of methods."""
    app = cast(Flask, state.app)
    table = RouteTable(platform_of(app).database)
    app.url_map.converters["rest"] = RestConverter
    app.view_functions["edge.open_app"] = lambda label, rest: open_app(table, label, rest)
    app.view_functions["edge.add_slash"] = add_slash
    for is_websocket in (False, True):
        rules = (("/d/<label>/<rest:rest>", "edge.open_app"), ("/d/<label>", "edge.add_slash"))
        for path, endpoint in rules:
            app.url_map.add(Rule(path, endpoint=endpoint, websocket=is_websocket, merge_slashes=False))


def add_slash(label: str) -> Response:
    return redirect(f"/d/{label}/{raw_query(request.environ)}", 308)  # type: ignore[return-value]


def open_app(table: RouteTable, label: str, rest: str) -> Response:
    """Forward to the tool of a label, or say why not."""
    visit = _read_visit(platform().settings, label)
    record = table.find(label) if visit else None
    if visit is None or record is None:
        return pages.not_found()
    if _is_own(rest):
        return answer_own(record, rest)
    if not record.is_serving or record.target is None:
        return pages.unavailable(record.status)
    if record.vendo_auth:
        return pages.sign_in_required()
    inbound = read_inbound(request, record.target, visit)
    try:
        return open_tunnel(inbound) if _is_upgrade() else forward(inbound)
    except NoAnswerError as error:
        return pages.no_answer(error.status)


def answer_own(record: RouteRecord, rest: str) -> Response:
    """Berth's own paths under a label; `ready` is how a deploy learns that the edge serves it."""
    if rest.lstrip("/") != _READY_PATH:
        return pages.not_found()
    return Response(status=204) if record.is_serving else pages.unavailable(record.status)


def _read_visit(settings: Settings, label: str) -> Visit | None:
    """How the visitor came, or None when the path spells the label in a way that cannot be cut off."""
    is_host_form = HOST_FORM in request.environ
    prefix = "" if is_host_form else f"/d/{label}"
    if not is_host_form and not is_path_form(request.environ, prefix):
        return None
    return Visit(host=request.host, scheme=_scheme(settings), prefix=prefix)


def _scheme(settings: Settings) -> str:
    """How the visitor reached the outermost server: a trusted proxy in front says so."""
    said = request.headers.get("X-Forwarded-Proto", "")
    return said if said in {"http", "https"} and _is_trusted_peer(settings) else request.scheme


def _is_trusted_peer(settings: Settings) -> bool:
    try:
        peer = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return any(peer in ipaddress.ip_network(item) for item in settings.trusted_proxies)


def _is_own(rest: str) -> bool:
    return rest.lstrip("/").partition("/")[0] == _OWN_PATH


def _is_upgrade() -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"
