"""The generated OpenAPI document is well formed and holds every route that describes itself."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from app.openapi import build_document, documented_routes

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    return build_document(app)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a JSON value, itself included."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item)


def test_document_is_served_and_is_json(app: Flask, document: dict[str, Any]) -> None:
    answer = app.test_client().get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json == json.loads(json.dumps(document))


def test_head_names_the_version_and_the_product(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"]["title"] == "Berth"
    assert document["info"]["version"]


def test_every_operation_has_an_answer_and_an_id_of_its_own(document: dict[str, Any]) -> None:
    ids = []
    for method, path, operation in operations(document):
        assert method in METHODS, path
        assert operation["responses"], path
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status), path
            assert response["description"], path
        ids.append(operation["operationId"])
    assert len(ids) == len(set(ids))


def test_parameters_are_those_of_the_path(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        assert path.startswith("/")
        given = [(item["in"], item["name"]) for item in operation["parameters"]]
        assert len(given) == len(set(given)), path
        assert {name for place, name in given if place == "path"} == set(re.findall(r"{([^{}]+)}", path))
        for item in operation["parameters"]:
            assert item["in"] in {"path", "query"}, path
            assert item["in"] != "path" or item["required"] is True, path
            assert item["schema"], path


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    references = [node["$ref"] for node in nodes(document) if isinstance(node.get("$ref"), str)]
    assert references
    for reference in references:
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in target, reference
            target = target[part]


def test_every_schema_is_a_json_schema(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
        Draft202012Validator.check_schema(schema)


def test_every_security_requirement_is_declared(document: dict[str, Any]) -> None:
    declared = set(document["components"]["securitySchemes"])
    security = [item for _, _, operation in operations(document) for item in operation.get("security", [])]
    used = {name for item in security for name in item}
    assert "session" in used
    assert used <= declared


def test_every_documented_route_appears(app: Flask, document: dict[str, Any]) -> None:
    written = {(method.upper(), path) for method, path, _ in operations(document)}
    parameter = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
    routes = {(found.method, parameter.sub(r"{\1}", found.path)) for found in documented_routes(app)}
    assert ("POST", "/api/tenants") in written
    assert routes == written


def test_every_operation_is_listed_under_its_blueprint(app: Flask, document: dict[str, Any]) -> None:
    tags = [operation["tags"] for _, _, operation in operations(document)]
    assert {len(given) for given in tags} == {1}
    assert {name for (name,) in tags} <= set(app.blueprints)
    assert document["paths"]["/api/tenants"]["post"]["tags"] == ["identity"]
    assert document["paths"]["/api/tools/catalog"]["get"]["tags"] == ["catalog"]


def test_every_api_route_describes_itself(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    assert rules
    assert [rule.rule for rule in rules if not hasattr(app.view_functions[rule.endpoint], "doc")] == []
