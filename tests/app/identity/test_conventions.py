"""What holds on every route (auth-errors-conventions.md 8 and its edge cases)."""

import io
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.platform import Platform
from tests.app.identity.accounts import Account, refusal


class CountingStream(io.BytesIO):
    """A body that knows how much of it was read; the test client closes it."""

    taken = 0

    def readinto(self, buffer: Any) -> int:
        size = super().readinto(buffer)
        self.taken += size
        return size


@pytest.mark.parametrize("path", ["/api/nothing", "/api/", "/api/auth", "/api/auth/me/more"])
def test_unknown_api_path_is_404(client: FlaskClient, path: str) -> None:
    assert refusal(client.get(path)) == (404, {"message": "Not found"})


def test_wrong_method_is_405_and_says_which_are_right(client: FlaskClient) -> None:
    answer = client.delete("/api/user/me")
    assert refusal(answer) == (405, {"message": "Method not allowed"})
    assert {"GET", "PATCH"} <= set(answer.headers["Allow"].split(", "))
    assert "DELETE" not in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/api/auth/me", "/api/nothing", "/api/user/me", "/sign-in"])
def test_every_answer_carries_its_own_request_id(client: FlaskClient, path: str) -> None:
    first, second = (client.get(path).headers["X-Request-Id"] for _ in range(2))
    assert first
    assert first != second


def test_version_header_is_accepted_and_not_echoed(client: FlaskClient) -> None:
    answer = client.get("/api/auth/me", headers={"Vendo-API-Version": "no such version"})
    assert answer.status_code == 200
    assert "Vendo-API-Version" not in answer.headers


def test_repeated_api_prefix_reaches_the_route(account: Account) -> None:
    answer = account.client.get("/api/api/user/me")
    assert refusal(answer) == (200, account.client.get("/api/user/me").json)
    assert refusal(account.client.get("/api/api/nothing")) == (404, {"message": "Not found"})
    assert account.client.get("/api/api/api/user/me").status_code == 404


def test_query_survives_the_repeated_prefix(account: Account) -> None:
    answer = account.client.get("/api/api/tenants/check-slug?slug=vendo")
    assert answer.json["code"] == "SLUG_RESERVED"


def test_no_cors_headers_on_the_dashboard_api(client: FlaskClient) -> None:
    for answer in (client.get("/api/auth/me"), client.options("/api/auth/me")):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]


def test_body_in_chunks_is_cut_off_at_the_limit(client: FlaskClient) -> None:
    stream = CountingStream(b" " * (3 * 1024 * 1024))
    answer = client.post(
        "/api/auth/sign-in",
        input_stream=stream,
        headers={"Transfer-Encoding": "chunked"},
        environ_base={"wsgi.input_terminated": True},
    )
    assert refusal(answer) == (413, {"message": "Request body too large"})
    assert stream.taken < 2 * 1024 * 1024


def test_deeply_nested_body_is_refused(client: FlaskClient) -> None:
    answer = client.post("/api/auth/sign-in", data="[" * 100_000)
    assert refusal(answer) == (400, {"message": "Invalid request body"})


def test_lost_database_is_a_plain_500(
    app: Flask, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost() -> None:
        raise ConnectionError("password=secret")

    monkeypatch.setattr(platform.database, "session", lost)
    client = app.test_client()
    client.set_cookie("berth_session", "anything")
    answer = client.get("/api/user/me")
    assert refusal(answer) == (500, {"message": "Internal server error"})


def test_answer_is_json_in_utf8(account: Account) -> None:
    answer = account.client.patch("/api/user/me", data=json.dumps({"displayName": "Zoë 木"}).encode())
    assert answer.mimetype == "application/json"
    assert json.loads(answer.data.decode())["displayName"] == "Zoë 木"
