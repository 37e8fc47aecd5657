"""Who may ask for a deployed tool's connections, and who is refused (runtime.md 1)."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.connections.models import App
from app.core.clock import utc_now
from app.core.crypto import digest
from app.core.platform import Platform
from app.identity.keys import find_live_key, revoke_key
from app.identity.models import Key
from tests.app.connections.rows import (
    Tenancy,
    make_app,
    make_connection,
    make_integration,
)
from tests.app.deployments.runtime_apps import PATH, static_app
from tests.factories import Workspace


@pytest.fixture
def tenancy(platform: Platform, workspace: Workspace) -> Tenancy:
    with platform.database.transaction() as session:
        return make_app(session, workspace.tenant_id)


def refusal(response: Any) -> tuple[int, str, str]:
    assert set(response.json) == {"error"}
    assert set(response.json["error"]) == {"message"}
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, response.json["error"]["message"], response.headers["Vendo-Error-Code"]


@pytest.mark.parametrize("header", [None, "Bearer", "Basic x", "Bearer sk-other", "Bearer eyJh.eyJz.c2ln"])
def test_anything_but_an_app_key_is_refused_unread(client: FlaskClient, header: str | None) -> None:
    response = client.get(PATH, headers={} if header is None else {"Authorization": header})
    assert refusal(response) == (401, "Missing or invalid Bearer token", "app_unknown")


def test_a_session_cookie_alone_is_refused(workspace: Workspace) -> None:
    assert refusal(workspace.client.get(PATH)) == (401, "Missing or invalid Bearer token", "app_unknown")


def test_an_unknown_key_is_refused(client: FlaskClient) -> None:
    response = client.get(PATH, headers={"Authorization": "Bearer vendo_sk_" + "x" * 32})
    assert refusal(response) == (401, "Invalid or revoked token", "app_unknown")


def test_a_connection_key_is_refused(client: FlaskClient, platform: Platform, workspace: Workspace) -> None:
    key = "vendo_sk_" + "c" * 20 + workspace.slug
    with platform.database.transaction() as session:
        row = make_connection(session, platform, workspace.tenant_id, make_integration(session))
        columns = {"scope_mode": "connection", "connection_id": row.id, "key_prefix": key[:12]}
        session.add(Key(tenant_id=workspace.tenant_id, key_hash=digest(key), **columns))
    response = client.get(PATH, headers={"Authorization": f"Bearer {key}"})
    assert refusal(response) == (401, "Invalid or revoked token", "app_unknown")


def test_a_revoked_key_is_refused(client: FlaskClient, platform: Platform, tenancy: Tenancy) -> None:
    with platform.database.transaction() as session:
        row = find_live_key(session, tenancy.key)
        assert row is not None
        revoke_key(session, platform.cache, row)
    response = client.get(PATH, headers=tenancy.headers)
    assert refusal(response) == (401, "Invalid or revoked token", "app_revoked")


def test_an_expired_key_is_refused(client: FlaskClient, platform: Platform, tenancy: Tenancy) -> None:
    with platform.database.transaction() as session:
        row = find_live_key(session, tenancy.key)
        assert row is not None
        row.expires_at = utc_now() - timedelta(seconds=1)
    response = client.get(PATH, headers=tenancy.headers)
    assert refusal(response) == (401, "Invalid or revoked token", "app_expired")


def test_a_disconnected_app_is_refused(client: FlaskClient, platform: Platform, tenancy: Tenancy) -> None:
    assert client.get(PATH, headers=tenancy.headers).status_code == 200
    with platform.database.transaction() as session:
        session.get_one(App, tenancy.app_id).disconnected_at = utc_now()
    response = client.get(PATH, headers=tenancy.headers)
    assert refusal(response) == (401, "Invalid or revoked token", "app_revoked")


def test_a_user_token_is_refused_in_the_canonical_shape(client: FlaskClient, tenancy: Tenancy) -> None:
    response = client.get(PATH, headers={**tenancy.headers, "X-Vendo-User-JWT": "eyJh.eyJz.c2ln"})
    assert response.status_code == 401
    assert response.headers["Vendo-Error-Code"] == "app_unknown"
    assert response.json == {"error": {"code": "app_unknown", "message": "Invalid user token"}}


def test_a_bad_key_is_reported_before_a_bad_user_token(client: FlaskClient) -> None:
    response = client.get(PATH, headers={"X-Vendo-User-JWT": "eyJh.eyJz.c2ln"})
    assert refusal(response) == (401, "Missing or invalid Bearer token", "app_unknown")


def test_an_app_sees_nothing_of_another_app(
    client: FlaskClient, platform: Platform, workspace: Workspace, tenancy: Tenancy
) -> None:
    with platform.database.transaction() as session:
        static_app(session, platform, workspace)
    assert client.get(PATH, headers=tenancy.headers).json == {"connections": []}


def test_the_answer_is_neither_cached_nor_shared_with_other_origins(
    client: FlaskClient, tenancy: Tenancy
) -> None:
    response = client.get(PATH, headers={**tenancy.headers, "Origin": "https://a.localhost"})
    assert response.headers["Cache-Control"] == "no-store"
    assert not [name for name, _ in response.headers if name.startswith("Access-Control-")]


def test_the_route_is_never_taken_for_a_deployment(app: Flask) -> None:
    endpoint, arguments = app.url_map.bind("localhost").match(PATH, "GET")
    assert (endpoint, dict(arguments)) == ("runtime.get_show_connections", {})


def test_another_method_is_not_allowed(client: FlaskClient, tenancy: Tenancy) -> None:
    response = client.post(PATH, headers=tenancy.headers)
    assert (response.status_code, response.json) == (405, {"message": "Method not allowed"})
