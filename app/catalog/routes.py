"""The public side of the catalog: lists, one tool, what it connects to, and logos."""

import logging
from collections.abc import Callable
from typing import Any, cast

from flask import Blueprint, Response, current_app, request
from sqlalchemy.orm import Session

from app.catalog import schemas
from app.catalog.logo_files import find_logo
from app.catalog.public_lists import catalog_key, find_public_list, store_public_list
from app.catalog.tool_integrations import list_supported_connections, list_tool_integrations
from app.catalog.tools import get_tool, is_admin, list_catalog, list_deployable
from app.core.errors import BerthError, NotFoundError
from app.http import Call, Doc, json_response, route
from app.identity.principals import Principal

log = logging.getLogger(__name__)

bp = Blueprint("catalog", __name__)

# Which providers a caller uses already; the connections slice answers, and `app.slices` puts it here.
PROVIDERS_IN_USE = "berth.providers_in_use"
ProvidersInUse = Callable[[Session, Principal | None, str | None], set[str]]

PRIVATE = "private, no-store"
PUBLIC = "public, max-age=60"
LOGO_CACHE = "public, max-age=86400"
_ANYBODY = ("session", "none")


def tool_error(error: BerthError) -> dict[str, Any]:
    """`{"error": text}`, as `/api/tools/{slug}` words it."""
    return {"error": "Tool not found" if isinstance(error, NotFoundError) else "Internal error"}


@route(
    bp,
    "GET",
    "/api/tools/catalog",
    Doc("List the tools on offer", auth=_ANYBODY, returns=schemas.CatalogAnswer),
)
def read_catalog(call: Call) -> Response:
    try:
        principal = call.find_principal()
        rows = _admin_catalog(call, principal) if is_admin(principal) else _public_catalog(call)
    except Exception as error:
        return _no_tools(call, error)
    response = _answer({"tools": rows}, PRIVATE if principal else PUBLIC)
    response.vary.add("Cookie")
    return response


@route(
    bp,
    "GET",
    "/api/tools/deployable",
    Doc("List the tools that can be deployed now", auth=_ANYBODY, returns=schemas.DeployableAnswer),
)
def read_deployable(call: Call) -> Response:
    try:
        listed = list_deployable(call.session, call.find_principal())
    except Exception as error:
        return _no_tools(call, error)
    url = _public_url(call)
    tools = [schemas.deployable_tool(item.tool, item.release, url) for item in listed if item.release]
    return _answer({"tools": tools}, PRIVATE)


@route(
    bp,
    "GET",
    "/api/tools/<slug>",
    Doc("Read one tool", auth=_ANYBODY, returns=schemas.ToolAnswer, errors=(404, 500)),
    envelope=tool_error,
)
def read_tool(call: Call, slug: str) -> Response:
    principal = call.find_principal()
    listed = get_tool(call.session, principal, slug)
    supported = list_supported_connections(call.session, listed.tool)
    detail = schemas.tool_detail(listed, supported, _public_url(call), is_admin(principal))
    return _answer({"tool": detail}, PRIVATE)


@route(
    bp,
    "GET",
    "/api/tools/<slug>/integrations",
    Doc(
        "List what a tool connects to",
        auth=_ANYBODY,
        query=schemas.ToolIntegrationsQuery,
        returns=schemas.ToolIntegrationsAnswer,
        errors=(500,),
    ),
    envelope=tool_error,
)
def read_tool_integrations(call: Call, slug: str) -> Response:
    find_used = cast(ProvidersInUse, current_app.extensions[PROVIDERS_IN_USE])
    used = find_used(call.session, call.find_principal(), request.args.get("appId"))
    found = list_tool_integrations(call.session, slug)
    url = _public_url(call)
    body = {
        name: [schemas.tool_integration(item, url, item.slug in used) for item in items]
        for name, items in (("required", found.required), ("optional", found.optional))
    }
    return _answer(body, PRIVATE)


@route(
    bp,
    "GET",
    "/logos/<filename>",
    Doc("Read a logo", returns=None, media="image/svg+xml", errors=(404,)),
)
def read_logo(call: Call, filename: str) -> Response:
    logo = find_logo(filename)
    if logo is None:
        raise NotFoundError
    response = _cached(Response(logo.content, content_type=logo.media_type), LOGO_CACHE)
    response.headers["X-Content-Type-Options"] = "nosniff"
    # An SVG opened by itself is a document on this origin; it may not run or load anything.
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return response


def _public_catalog(call: Call) -> list[dict[str, Any]]:
    cache = call.platform.cache
    key = catalog_key(cache)
    stored = find_public_list(cache, key)
    if stored is not None:
        return stored
    rows = [schemas.catalog_tool(item, _public_url(call), False) for item in list_catalog(call.session, None)]
    store_public_list(cache, key, rows)
    return rows


def _admin_catalog(call: Call, principal: Principal | None) -> list[dict[str, Any]]:
    listed = list_catalog(call.session, principal)
    return [schemas.catalog_tool(item, _public_url(call), True) for item in listed]


def _no_tools(call: Call, error: Exception) -> Response:
    log.error("the catalog could not be read: %s", type(error).__name__)
    call.session.rollback()
    return _answer({"tools": []}, PRIVATE)


def _answer(body: dict[str, Any], cache_control: str) -> Response:
    return _cached(json_response(body), cache_control)


def _cached(response: Response, cache_control: str) -> Response:
    response.headers["Cache-Control"] = cache_control
    return response


def _public_url(call: Call) -> str:
    return call.platform.settings.public_url
