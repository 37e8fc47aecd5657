"""deploy.md 1.2 and 4: what a body may hold, and which field is blamed."""

import json

import pytest
from sqlalchemy import func, select

from app.deployments.models import Deployment
from app.http import MAX_JSON_BYTES, MAX_JSON_DEPTH
from tests.factories import post_deploy, unique

NUL, LONE = "a\x00b", "\ud800"


def count_deployments(platform, workspace) -> int:
    with platform.database.transaction() as session:
        statement = select(func.count()).select_from(Deployment)
        return session.scalar(statement.where(Deployment.tenant_id == workspace.tenant_id)) or 0


def refused_fields(answer) -> list[str]:
    assert answer.status_code == 400, answer.text
    assert answer.json["message"] == "Invalid request body"
    assert set(answer.json) == {"message", "errors"}
    assert all(
        texts and all(isinstance(item, str) for item in texts) for texts in answer.json["errors"].values()
    )
    return list(answer.json["errors"])


NOT_AN_OBJECT = {
    "empty": b"",
    "blank": b"  ",
    "array": b"[]",
    "text": b'"x"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "truncated": b'{"toolSlug": "x"',
    "two values": b"{} {}",
    "form": b"toolSlug=x&tenantSlug=y",
    "nan": b'{"toolSlug": NaN}',
    "infinity": b'{"userInput": {"x": -Infinity}}',
    "latin-1": '{"toolSlug": "é"}'.encode("latin-1"),
    "utf-16": '{"toolSlug": "x"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "single quotes": b"{'toolSlug': 'x'}",
    "too many digits": b'{"toolSlug": ' + b"9" * 5000 + b"}",
    "too deep": b'{"userInput": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    "raw control character": b'{"toolSlug": "a\nb"}',
}


@pytest.mark.parametrize("name", NOT_AN_OBJECT)
def test_anything_but_a_json_object_has_no_fields_to_blame(workspace, name):
    answer = workspace.client.post("/api/deploy", data=NOT_AN_OBJECT[name])
    assert refused_fields(answer) == []


def test_a_form_is_not_json(workspace, tool):
    answer = workspace.client.post("/api/deploy", data={"toolSlug": tool, "tenantSlug": workspace.slug})
    assert refused_fields(answer) == []


WRONG_TEXT = [None, 1, 1.5, True, [], {}, ["x"]]
WRONG_FIELDS = [
    *(("toolSlug", value) for value in [*WRONG_TEXT, "", "x" * 101, NUL, LONE]),
    *(("tenantSlug", value) for value in [*WRONG_TEXT, "", "x" * 101, NUL, LONE]),
    *(("deploymentSlug", value) for value in [*WRONG_TEXT, "x" * 64, NUL]),
    *(("deploymentName", value) for value in [*WRONG_TEXT, "x" * 101, NUL, LONE]),
    *(("adminPassword", value) for value in [*WRONG_TEXT, "x" * 201, NUL, LONE]),
    *(("userVariables", value) for value in [None, 1, "x", [], ["A"], True]),
    *(("userVariables", {"A": value}) for value in [None, [], {}, ["x"], "x" * 10_001, NUL, LONE, 1e999]),
    *(
        ("userVariables", {key: "x"})
        for key in ["a", "1A", "A-B", "A b", "", "É", "A\n", "_A", "A" * 129, "A\x00", "Ａ"]
    ),
    ("userVariables", {f"A{number}": "x" for number in range(201)}),
    *(("bindings", value) for value in [None, 1, "openrouter", {}, True, [1], [None], [["x"]], [NUL]]),
    ("bindings", ["openrouter"] * 101),
    *(("selectedBindings", value) for value in [None, 1, "x", [], True]),
    *(
        ("selectedBindings", {"telegram": value})
        for value in [None, 1, "", "nope", "x" * 36, "3b0c5c1e-8a55-4b7e-9f0a-52d5b1f0c9a", {}, [], NUL]
    ),
    ("selectedBindings", {NUL: "3b0c5c1e-8a55-4b7e-9f0a-52d5b1f0c9aa"}),
    *(("pendingBindings", value) for value in [None, 1, "x", [], True, {"telegram": None}]),
    *(("pendingBindings", {"telegram": value}) for value in [1, "x", [], True, {"token": NUL}]),
    *(("userInput", value) for value in [None, 1, "x", [], True, {"a": NUL}, {NUL: 1}, {"a": [{"b": LONE}]}]),
    *(("userInput", {"a": value}) for value in [1e999, -1e999, [{"b": 1e999}]]),
]


@pytest.mark.parametrize(("field", "value"), WRONG_FIELDS)
def test_a_wrong_field_is_blamed(platform, workspace, tool, field, value):
    # 1e999 is how JSON spells a number that no double holds; json.dumps would write Infinity.
    order = {"toolSlug": tool, "tenantSlug": workspace.slug, field: value}
    text = json.dumps(order).replace("Infinity", "1e999")
    answer = workspace.client.post("/api/deploy", data=text)
    assert refused_fields(answer) == [field]
    assert count_deployments(platform, workspace) == 0


def test_each_missing_required_field_is_blamed(workspace):
    answer = workspace.client.post("/api/deploy", json={})
    assert sorted(refused_fields(answer)) == ["tenantSlug", "toolSlug"]


def test_every_wrong_field_is_blamed_at_once(workspace, tool):
    wrong = {"deploymentName": 1, "bindings": 1, "userInput": 1}
    assert sorted(refused_fields(post_deploy(workspace, tool, **wrong))) == sorted(wrong)


def test_a_refusal_repeats_no_value(workspace, tool):
    answer = post_deploy(
        workspace,
        tool,
        adminPassword=["hunter2"],
        userVariables={"TOKEN": ["hunter2"], "hunter2": "hunter2"},
        pendingBindings={"telegram": "hunter2"},
    )
    # The name of a variable is no secret, its value is.
    assert "hunter2" not in json.dumps(
        [answer.json["errors"]["adminPassword"], answer.json["errors"]["pendingBindings"]]
    )
    assert refused_fields(answer)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("deploymentSlug", "x" * 40),
        ("deploymentName", "x" * 100),
        ("deploymentName", "名" * 100),
        ("adminPassword", "x" * 200),
        ("userVariables", {"A" * 128: "x" * 10_000}),
        ("userVariables", {f"A{number}": number for number in range(200)}),
        ("userVariables", {"A": 10**4000}),
        ("userVariables", {"A": 2**63, "B": -(2**70), "C": 1.7e308, "D": 5e-324, "E": -0.0}),
        ("bindings", ["openrouter"] * 100),
        ("userInput", {"a": 2**200, "b": 1.7e308, "c": "x" * 100_000}),
        ("userInput", {}),
    ],
)
def test_the_limit_itself_is_allowed(workspace, tool, field, value):
    assert post_deploy(workspace, tool, **{field: value}).status_code == 201


@pytest.mark.parametrize("depth", [1, 50, 98, 99, 100, 400, 500, 900, 990, 5000])
def test_depth_alone_never_breaks_the_server(workspace, tool, depth):
    body = f'{{"toolSlug": "{tool}", "tenantSlug": "{workspace.slug}", "userInput": %s}}'
    text = '{"a":' * depth + "1" + "}" * depth
    answer = workspace.client.post(
        "/api/deploy", data=body % text, headers={"Idempotency-Key": unique("key")}
    )
    # The body's own object is one level more.
    assert answer.status_code == (201 if depth + 1 <= MAX_JSON_DEPTH else 400)


def padded(workspace, tool, size: int) -> bytes:
    """A right body of exactly `size` bytes."""
    order = {"toolSlug": tool, "tenantSlug": workspace.slug, "padding": ""}
    missing = size - len(json.dumps(order))
    return json.dumps({**order, "padding": "x" * missing}).encode()


def test_one_mebibyte_is_allowed(workspace, tool):
    body = padded(workspace, tool, MAX_JSON_BYTES)
    assert len(body) == 1024 * 1024
    assert workspace.client.post("/api/deploy", data=body).status_code == 201


def test_one_byte_more_is_too_large(platform, workspace, tool):
    answer = workspace.client.post("/api/deploy", data=padded(workspace, tool, MAX_JSON_BYTES + 1))
    assert (answer.status_code, answer.json) == (413, {"message": "Request body too large"})
    assert count_deployments(platform, workspace) == 0


def test_a_large_body_is_only_read_for_somebody_signed_in(client, workspace, tool):
    answer = client.post("/api/deploy", data=padded(workspace, tool, MAX_JSON_BYTES + 1))
    assert answer.status_code == 401


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
def test_a_wrong_method_is_405(workspace, method):
    answer = workspace.client.open("/api/deploy", method=method)
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    if method != "HEAD":
        assert answer.json == {"message": "Method not allowed"}
