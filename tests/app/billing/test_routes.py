"""`GET /api/billing/balance`: every row of billing.md 3 for this route."""

import secrets
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from app.billing import routes
from app.billing.models import Credit, Wallet
from app.connections.models import Profile
from app.core.clock import utc_now
from app.core.config import load_settings
from app.core.crypto import digest
from app.core.platform import Platform
from app.factory import create_app
from app.identity.keys import find_live_key, revoke_key
from app.identity.models import Key
from tests.app.connections.rows import Tenancy, make_app, make_connection, make_integration
from tests.factories import Workspace

PATH = "/api/billing/balance"


@pytest.fixture
def tenancy(platform: Platform, workspace: Workspace) -> Tenancy:
    with platform.database.transaction() as session:
        return make_app(session, workspace.tenant_id)


def message(response: Any) -> str:
    assert set(response.json) == {"error"}
    assert set(response.json["error"]) == {"message"}
    text: str = response.json["error"]["message"]
    return text


def test_an_app_key_reads_what_is_left(client: FlaskClient, tenancy: Tenancy) -> None:
    response = client.get(PATH, headers=tenancy.headers)
    assert response.status_code == 200
    assert response.json == {
        "credits_remaining_micros": 25_000_000,
        "currency": "USD",
        "top_up_url": "http://localhost:8080/billing",
    }
    assert response.headers["Cache-Control"] == "no-store"


def test_open_holds_are_taken_off(client: FlaskClient, platform: Platform, tenancy: Tenancy) -> None:
    with platform.database.transaction() as session:
        session.execute(
            update(Wallet).where(Wallet.tenant_id == tenancy.tenant_id).values(held_micros=1_000_000)
        )
    body = client.get(PATH, headers=tenancy.headers).json
    assert body is not None
    assert body["credits_remaining_micros"] == 24_000_000


def test_an_overdrawn_wallet_shows_zero(client: FlaskClient, platform: Platform, tenancy: Tenancy) -> None:
    with platform.database.transaction() as session:
        key = secrets.token_hex(8)
        row = Credit(
            tenant_id=tenancy.tenant_id, amount_micros=-26_000_000, source="usage", idempotency_key=key
        )
        session.add(row)
    body = client.get(PATH, headers=tenancy.headers).json
    assert body is not None
    assert body["credits_remaining_micros"] == 0


def test_a_connection_key_reads_it_too(client: FlaskClient, platform: Platform, workspace: Workspace) -> None:
    key = "vendo_sk_" + secrets.token_hex(16)
    with platform.database.transaction() as session:
        integration = make_integration(session, Profile.BYOK_STATIC)
        row = make_connection(session, platform, workspace.tenant_id, integration)
        session.add(
            Key(
                tenant_id=workspace.tenant_id,
                scope_mode="connection",
                connection_id=row.id,
                key_hash=digest(key),
                key_prefix=key[:12],
            )
        )
    assert client.get(PATH, headers={"Authorization": f"Bearer {key}"}).status_code == 200


@pytest.mark.parametrize("scheme", ["bearer {}", "BEARER {}", "Bearer   {}", " Bearer {} "])
def test_case_of_the_scheme_and_spaces_do_not_matter(
    client: FlaskClient, tenancy: Tenancy, scheme: str
) -> None:
    response = client.get(PATH, headers={"Authorization": scheme.format(tenancy.key)})
    assert response.status_code == 200


def test_the_first_of_two_authorization_headers_counts(client: FlaskClient, tenancy: Tenancy) -> None:
    pair = [("Authorization", f"Bearer {tenancy.key}"), ("Authorization", "Bearer other")]
    assert client.get(PATH, headers=pair).status_code == 200
    assert client.get(PATH, headers=pair[::-1]).status_code == 401


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer  ", "Basic abc", "vendo_sk_x"])
def test_without_a_bearer_the_answer_says_so(client: FlaskClient, header: str | None) -> None:
    response = client.get(PATH, headers={} if header is None else {"Authorization": header})
    assert response.status_code == 401
    assert message(response) == "Missing Bearer token"
    assert response.headers["Vendo-Error-Code"] == "app_unknown"


def test_a_session_cookie_is_no_credential_here(workspace: Workspace) -> None:
    assert message(workspace.client.get(PATH)) == "Missing Bearer token"


@pytest.mark.parametrize(
    "token", ["vendo_sk_" + "x" * 32, "a..b", "a.b.", "k" * 300, "eyJh.eyJz.c2ln", "ü.b.c"]
)
def test_an_unknown_token_is_refused(client: FlaskClient, token: str) -> None:
    response = client.get(PATH, headers={"Authorization": f"Bearer {token}".encode().decode("latin-1")})
    assert response.status_code == 401
    assert message(response) == "Invalid or revoked token"
    assert response.headers["Vendo-Error-Code"] == "app_unknown"


def test_a_token_of_three_segments_is_never_looked_up_as_a_key(
    client: FlaskClient, platform: Platform, tenancy: Tenancy
) -> None:
    with platform.database.transaction() as session:
        row = find_live_key(session, tenancy.key)
        assert row is not None
        row.key_hash = digest("aa.bb.cc")
    response = client.get(PATH, headers={"Authorization": "Bearer aa.bb.cc"})
    assert message(response) == "Invalid or revoked token"


def test_a_revoked_key_fails_at_the_next_request(
    client: FlaskClient, platform: Platform, tenancy: Tenancy
) -> None:
    assert client.get(PATH, headers=tenancy.headers).status_code == 200
    with platform.database.transaction() as session:
        row = find_live_key(session, tenancy.key)
        assert row is not None
        revoke_key(session, platform.cache, row)
    response = client.get(PATH, headers=tenancy.headers)
    assert (response.status_code, message(response)) == (401, "Invalid or revoked token")
    assert response.headers["Vendo-Error-Code"] == "app_revoked"


def test_an_expired_key_is_refused(client: FlaskClient, platform: Platform, tenancy: Tenancy) -> None:
    with platform.database.transaction() as session:
        row = find_live_key(session, tenancy.key)
        assert row is not None
        row.expires_at = utc_now() - timedelta(seconds=1)
    response = client.get(PATH, headers=tenancy.headers)
    assert (response.status_code, message(response)) == (401, "Invalid or revoked token")
    assert response.headers["Vendo-Error-Code"] == "app_expired"


def test_the_limiter_runs_before_authentication(app: Flask, environment: dict[str, str]) -> None:
    limited = create_app(load_settings({**environment, "BALANCE_LIMIT": "2 per minute"})).test_client()
    address = {"REMOTE_ADDR": f"10.9.{secrets.randbelow(250)}.{secrets.randbelow(250)}"}
    for _ in range(2):
        assert limited.get(PATH, environ_base=address).status_code == 401
    response = limited.get(PATH, environ_base=address)
    assert (response.status_code, message(response)) == (429, "Rate limit exceeded")
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cache-Control"] == "no-store"


def test_a_database_that_is_down_is_an_error_of_the_same_shape(
    client: FlaskClient, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(routes, "read_balance", fail)
    response = client.get(PATH, headers=tenancy.headers)
    assert (response.status_code, message(response)) == (500, "Internal server error")
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "origin", ["https://harbor-notes.localhost", "http://a.b.localhost:8080", "https://HARBOR.localhost"]
)
def test_the_origin_of_a_tool_is_named(client: FlaskClient, tenancy: Tenancy, origin: str) -> None:
    for headers in (tenancy.headers, {}):
        response = client.get(PATH, headers={**headers, "Origin": origin})
        assert response.headers.getlist("Access-Control-Allow-Origin") == [origin]
        assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://localhost",
        "https://xlocalhost",
        "https://a.localhost.evil.test",
        "https://evil.test/.localhost",
        "https://evil.test#a.localhost",
    ],
)
def test_every_other_origin_gets_the_wildcard(client: FlaskClient, origin: str | None) -> None:
    response = client.get(PATH, headers={"Origin": origin} if origin else {})
    assert response.headers.getlist("Access-Control-Allow-Origin") == ["*"]


def test_every_answer_names_methods_headers_and_what_is_exposed(client: FlaskClient) -> None:
    headers = client.get(PATH).headers
    assert headers["Access-Control-Allow-Methods"] == "GET, OPTIONS"
    assert headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    assert headers["Access-Control-Expose-Headers"] == "Retry-After, Vendo-Error-Code"
    assert "Access-Control-Allow-Credentials" not in headers


def test_a_preflight_answers_204_and_appends_what_it_asks_for(client: FlaskClient) -> None:
    asked = {
        "Origin": "https://harbor-notes.localhost",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization, idempotency-key, vendo-api-version, x-other",
    }
    response = client.options(PATH, headers=asked)
    assert (response.status_code, response.data) == (204, b"")
    allowed = "Authorization, Content-Type, Vendo-API-Version, Idempotency-Key"
    assert response.headers.getlist("Access-Control-Allow-Headers") == [allowed]
    assert response.headers.getlist("Access-Control-Allow-Methods") == ["GET, OPTIONS"]
    assert response.headers["Access-Control-Allow-Origin"] == asked["Origin"]


def test_another_method_is_not_allowed(client: FlaskClient) -> None:
    response = client.post(PATH)
    assert (response.status_code, response.json) == (405, {"message": "Method not allowed"})
