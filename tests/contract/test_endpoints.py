"""`endpoints.csv` against the application: what is delivered, what it says of itself, what it answers."""

import re

import pytest

from tests.contract.table import ANY, Row, delivered_rows, fill, read_pending, read_rows, routes_of
from tests.factories import unique

# How many rows were open when this list began; it only ever gets shorter.
FIRST_PENDING = 118
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Statuses that another page of the contract adds to a row.
ALSO = {
    "GET /api/deployments": {400},  # rulings.md 31: a bad query
    "GET /logos/<filename>": {404},  # catalog-pricing.md 4: no such file
}
# Credentials of a row whose issuer is not there yet.
NOT_YET = {"GET /api/billing/balance": {"identity_jwt"}}

FLAT = {"message": "Unauthorized"}
NESTED_KEY = {"error": {"message": "Missing or invalid Bearer token"}}
NESTED_BEARER = {"error": {"message": "Missing Bearer token"}}
# auth-errors-conventions.md 3 and 5: the first pattern that matches says what a caller without one reads.
UNAUTHORIZED = [
    (r"/api/deployments/me/", NESTED_KEY),
    (r"/api/(billing|v1)/balance$", NESTED_BEARER),
    (r"/api/cli/balance$", {"message": "Missing Bearer token"}),
    (r"/api/connections/bind-deployment$", {"ok": False, "reason": "unauthorized"}),
    (r"/api/(apps|keys|connections|oauth|tools)(/|$)", {"error": "unauthorized"}),
    (r"/api/(deploy|deployments|tenants|user|auth|integrations|billing|pricing)(/|$)", FLAT),
]

ROWS, DELIVERED = read_rows(), delivered_rows()


def by_name(row: Row) -> str:
    return row.name


def address(row: Row) -> str:
    """The path with values that name nothing."""
    return fill(row.path, [unique("nothing") for _ in row.parameters])


def call(client, method: str, path: str):
    return client.open(path, method=method, json={} if method in {"POST", "PUT", "PATCH"} else None)


def test_the_pending_rows_are_exactly_those_without_a_route(app):
    routes = routes_of(app)
    assert read_pending() == [row.name for row in ROWS if row.key not in routes]


def test_the_pending_list_only_shrinks():
    assert len(read_pending()) <= FIRST_PENDING
    assert set(read_pending()) <= {row.name for row in ROWS}


def test_no_row_stands_in_the_table_twice():
    assert len({row.key for row in ROWS}) == len(ROWS)


def test_every_route_is_in_the_table(app):
    own = re.compile(r"/(docs|openapi\.json|static|d/<>$)")
    extra = [key for key in routes_of(app) if key not in {row.key for row in ROWS} and not own.match(key[1])]
    assert extra == []


@pytest.mark.parametrize("row", DELIVERED, ids=by_name)
def test_a_route_says_of_itself_what_the_table_says(app, row):
    doc = routes_of(app)[row.key].doc
    if row.method == ANY:
        assert doc is None
        return
    assert doc.status in row.success
    assert set(doc.errors) == row.errors | ALSO.get(row.name, set())
    assert ways_in(doc.auth) == row.auth - NOT_YET.get(row.name, set())
    assert doc.summary


def ways_in(auth: tuple[str, ...]) -> set[str]:
    return {"optional_session"} if set(auth) == {"session", "none"} else set(auth)


@pytest.mark.parametrize("row", [row for row in DELIVERED if row.needs_credentials], ids=by_name)
def test_without_credentials_the_answer_is_401_in_the_envelope_of_the_route(client, row):
    answer = call(client, row.method, address(row))
    expected = next(body for pattern, body in UNAUTHORIZED if re.match(pattern, row.path))
    assert (answer.status_code, answer.json) == (401, expected)
    assert answer.content_type == "application/json"
    assert answer.headers["X-Request-Id"]
    has_code = "app_key" in row.auth and isinstance(expected.get("error"), dict)
    assert answer.headers.get("Vendo-Error-Code") == ("app_unknown" if has_code else None)


@pytest.mark.parametrize(
    "header", ["Bearer vendo_sk_" + "x" * 32, "Bearer a.b.c", "Bearer ", "Basic x", "Bearer " + "x" * 5000]
)
@pytest.mark.parametrize(
    "row", [row for row in DELIVERED if row.auth == {"session"} and row.needs_credentials], ids=by_name
)
def test_a_bearer_opens_no_route_of_the_cookie(client, row, header):
    answer = client.open(address(row), method=row.method, headers={"Authorization": header})
    assert answer.status_code == 401


@pytest.mark.parametrize("row", [row for row in DELIVERED if "app_key" in row.auth], ids=by_name)
def test_a_cookie_opens_no_route_of_the_app_key(workspace, row):
    assert "session" in row.auth or call(workspace.client, row.method, address(row)).status_code == 401


@pytest.mark.parametrize("row", [row for row in DELIVERED if not row.needs_credentials], ids=by_name)
def test_an_open_route_answers_nobody_in_particular(client, row):
    method = "GET" if row.method == ANY else row.method
    answer = call(client, method, address(row))
    assert answer.status_code in row.success | row.errors | ALSO.get(row.name, set())
    assert answer.status_code != 401
    assert answer.status_code < 500


@pytest.mark.parametrize("row", [row for row in DELIVERED if row.method != ANY], ids=by_name)
def test_a_wrong_method_is_405_and_names_the_right_ones(app, client, row):
    path = address(row)
    allowed = set(app.url_map.bind("localhost").allowed_methods(path))
    wrong = next(method for method in METHODS if method not in allowed)
    answer = call(client, wrong, path)
    assert (answer.status_code, answer.json) == (405, {"message": "Method not allowed"})
    named = {item.strip() for item in answer.headers["Allow"].split(",")}
    assert row.method in named
    assert wrong not in named


@pytest.mark.parametrize("method", METHODS)
def test_an_app_of_nobody_is_not_found_by_any_method(client, method):
    answer = client.open(f"/d/{unique('nothing')}/some/path", method=method)
    assert answer.status_code == 404
    assert answer.content_type.startswith("text/html")


@pytest.mark.parametrize("path", ["/api/nothing", "/api/deploy/x", "/api/deployments/x/y/z", "/api/"])
def test_an_unknown_path_is_404(workspace, path):
    answer = workspace.client.get(path)
    assert (answer.status_code, answer.json) == (404, {"message": "Not found"})


@pytest.mark.parametrize("path", ["/sign-in", "/sign-up"])
def test_the_pages_are_pages(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert "form" in answer.text


@pytest.mark.parametrize("row", [row for row in DELIVERED if row.path.startswith("/api/")], ids=by_name)
def test_only_balances_speak_cors(client, row):
    answer = client.open(address(row), method=row.method, headers={"Origin": "https://elsewhere.example"})
    has_cors = any(name.startswith("Access-Control-") for name, _ in answer.headers)
    assert has_cors is row.path.endswith(("billing/balance", "v1/balance"))


@pytest.mark.parametrize(
    "row",
    [row for row in DELIVERED if row.method in {"POST", "PATCH", "PUT", "DELETE"} and 403 in row.errors],
    ids=by_name,
)
def test_a_write_from_a_foreign_origin_is_refused(workspace, row):
    headers = {"Origin": "https://evil.example"}
    answer = workspace.client.open(address(row), method=row.method, json={}, headers=headers)
    assert (answer.status_code, answer.json) == (403, {"message": "Origin not allowed"})


@pytest.mark.parametrize(
    "row", [row for row in DELIVERED if 413 in row.errors and not row.parameters], ids=by_name
)
def test_a_body_over_a_mebibyte_is_too_large(workspace, row):
    body = b'{"padding": "' + b"x" * 1024 * 1024 + b'"}'
    answer = workspace.client.open(row.path, method=row.method, data=body)
    assert (answer.status_code, answer.json) == (413, {"message": "Request body too large"})
