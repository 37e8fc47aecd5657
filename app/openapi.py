"""OpenAPI, generated from what the routes say of themselves; `/openapi.json`, browsable at `/docs`."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from apispec import APISpec
from flask import Blueprint, Flask, current_app
from flask_cors import cross_origin
from flask_swagger_ui import get_swaggerui_blueprint
from pydantic import BaseModel

from app.http import Doc, json_response

bp = Blueprint("openapi", __name__)

_DOCUMENT = "berth.openapi"
_REASONS = {
    400: "The request cannot be taken",
    401: "Nobody is signed in, or the credential is not valid",
    402: "The wallet cannot pay",
    403: "Known caller, not allowed",
    404: "Absent, or not the caller's",
    409: "The state does not allow it",
    413: "Request body too large",
    429: "Rate limit exceeded",
    500: "Internal server error",
    502: "A part that is needed did not answer",
    503: "Not available now",
    504: "No answer in time",
}
_SECURITY: dict[str, dict[str, str]] = {
    "session": {"type": "apiKey", "in": "cookie", "name": "berth_session"},
    "app_key": {"type": "http", "scheme": "bearer", "description": "vendo_sk_ App Key"},
}


class DocumentedRoute(NamedTuple):
    """A route that describes itself: its Flask path, and the blueprint that it is listed under."""

    method: str
    path: str
    tag: str
    doc: Doc


@bp.get("/openapi.json")
@cross_origin()
def openapi_document() -> Any:
    if (document := current_app.extensions.get(_DOCUMENT)) is None:
        document = current_app.extensions[_DOCUMENT] = build_document(current_app)
    return json_response(document)


def init_docs(app: Flask) -> None:
    app.register_blueprint(bp)
    app.register_blueprint(get_swaggerui_blueprint("/docs", "/openapi.json", config={"app_name": "Berth"}))


def documented_routes(app: Flask) -> Iterator[DocumentedRoute]:
    for rule in app.url_map.iter_rules():
        doc = getattr(app.view_functions[rule.endpoint], "doc", None)
        if isinstance(doc, Doc):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield DocumentedRoute(method, rule.rule, rule.endpoint.rpartition(".")[0], doc)


def build_document(app: Flask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of all documented routes."""
    spec = APISpec(title="Berth", version="0.1.0", openapi_version="3.1.0")
    for name, scheme in _SECURITY.items():
        spec.components.security_scheme(name, scheme)
    for found in documented_routes(app):
        spec.path(path=_template(found.path), operations={found.method.lower(): _operation(spec, found)})
    document: dict[str, Any] = spec.to_dict()
    return document


def _operation(spec: APISpec, found: DocumentedRoute) -> dict[str, Any]:
    method, path, tag, doc = found
    operation: dict[str, Any] = {
        "tags": [tag],
        "summary": doc.summary,
        "operationId": re.sub(r"[^a-z0-9]+", "_", f"{method} {path}".lower()).strip("_"),
        "parameters": [*_path_parameters(path), *_query_parameters(doc)],
        "responses": _responses(spec, doc),
    }
    if doc.body is not None:
        content = {"application/json": {"schema": _reference(spec, doc.body, "validation")}}
        operation["requestBody"] = {"required": True, "content": content}
    schemes: list[dict[str, list[str]]] = [{name: []} for name in doc.auth if name in _SECURITY]
    if schemes:
        operation["security"] = schemes
    return operation


def _responses(spec: APISpec, doc: Doc) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "OK"}
    if doc.returns is not None:
        success["content"] = {doc.media: {"schema": _reference(spec, doc.returns, "serialization")}}
    errors = {str(status): {"description": _REASONS.get(status, "Error")} for status in doc.errors}
    return {str(doc.status): success, **errors}


def _reference(spec: APISpec, model: type[BaseModel], mode: Any) -> dict[str, str]:
    schema = model.model_json_schema(mode=mode, ref_template="#/components/schemas/{model}")
    for name, nested in schema.pop("$defs", {}).items():
        _add_schema(spec, name, nested)
    _add_schema(spec, model.__name__, schema)
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _add_schema(spec: APISpec, name: str, schema: dict[str, Any]) -> None:
    if name not in spec.components.schemas:
        spec.components.schema(name, schema)


def _template(path: str) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", path)


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"<(?:[^:<>]+:)?([^<>]+)>", path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(doc: Doc) -> list[dict[str, Any]]:
    if doc.query is None:
        return []
    properties = doc.query.model_json_schema()["properties"]
    return [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]
