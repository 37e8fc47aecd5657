"""What a deployed tool is told of its connections (runtime.md 1)."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.connections.credentials import credential_owner
from app.connections.models import App, ConnectionStatus, Profile
from app.core.clock import utc_now
from app.core.crypto import digest
from app.core.platform import Platform
from app.identity.keys import find_live_key, revoke_key
from app.identity.models import Key
from tests.app.connections.rows import (
    Tenancy,
    bind,
    make_app,
    make_connection,
    make_integration,
    make_tool,
)
from tests.factories import Workspace

PATH = "/api/deployments/me/connections"
KEYS = {
    *("id", "external_id", "slug", "display_name", "category", "profile", "status", "api_key", "base_url"),
    *("credential", "metadata", "context", "setup_url", "error_message", "connected_at", "env_bootstrap"),
    *("exclusive", "logo_url", "brand_color", "docs_url"),
}
BOOTSTRAP = {"vars": [{"name": "X_KEY", "value_from": "credential.vendo_sk"}], "restart": "gateway"}
Build = Callable[[Session], Tenancy]


@pytest.fixture
def read(client: FlaskClient, platform: Platform) -> Callable[..., list[dict[str, Any]]]:
    """Commit what `build` makes, then ask with the key of the app it returns."""

    def ask(build: Build, query: str = "") -> list[dict[str, Any]]:
        with platform.database.transaction() as session:
            tenancy = build(session)
        response = client.get(PATH + query, headers=tenancy.headers)
        assert response.status_code == 200, response.text
        assert response.json is not None
        entries: list[dict[str, Any]] = response.json["connections"]
        assert all(set(entry) == KEYS for entry in entries)
        return entries

    return ask


Read = Callable[..., list[dict[str, Any]]]


def test_a_pool_connection_hands_out_the_very_bearer(
    read: Read, platform: Platform, workspace: Workspace
) -> None:
    made: dict[str, Any] = {}

    def build(session: Session) -> Tenancy:
        pool = make_integration(
            session,
            env_bootstrap=BOOTSTRAP,
            logo_url="/logos/x.svg",
            docs_url="https://docs.x",
            brand_color="#123456",
        )
        tenancy = make_app(session, workspace.tenant_id, make_tool(session, [pool.slug]))
        row = make_connection(session, platform, workspace.tenant_id, pool)
        bind(session, tenancy, row)
        made.update(pool=pool, row=row, key=tenancy.key)
        return tenancy

    (entry,) = read(build)
    slug, key, row = made["pool"].slug, made["key"], made["row"]
    base_url = f"http://{slug}-proxy.localhost:8080/v1"
    assert entry == {
        "id": str(row.id),
        "external_id": row.external_id,
        "slug": slug,
        "display_name": "Mine",
        "category": "ai",
        "profile": "vendo_managed_pool",
        "status": "connected",
        "api_key": key,
        "base_url": base_url,
        "credential": {"api_key": key, "vendo_sk": key, "base_url": base_url},
        "metadata": {"credential": {f"{slug.upper()}_API_KEY": key, f"{slug.upper()}_BASE_URL": base_url}},
        "context": None,
        "setup_url": None,
        "error_message": None,
        "connected_at": entry["connected_at"],
        "env_bootstrap": BOOTSTRAP,
        "exclusive": False,
        "logo_url": "http://localhost:8080/logos/x.svg",
        "brand_color": "#123456",
        "docs_url": "https://docs.x",
    }
    assert entry["connected_at"].endswith("Z")


def test_what_is_listed_and_not_bound_is_available(read: Read, workspace: Workspace) -> None:
    made: dict[str, Any] = {}

    def build(session: Session) -> Tenancy:
        made["slack"] = make_integration(session, Profile.COMPOSIO_MANAGED, env_bootstrap=BOOTSTRAP)
        made["app"] = make_app(session, workspace.tenant_id, make_tool(session, [made["slack"].slug]))
        return made["app"]  # type: ignore[no-any-return]

    (entry,) = read(build)
    slug = made["slack"].slug
    assert entry["setup_url"] == f"http://localhost:8080/connections/connect/{slug}?app={made['app'].app_id}"
    nothing = ("id", "external_id", "api_key", "base_url", "credential", "context", "connected_at")
    assert {name: entry[name] for name in (*nothing, "env_bootstrap", "error_message")} == dict.fromkeys(
        (*nothing, "env_bootstrap", "error_message")
    )
    assert (entry["status"], entry["metadata"], entry["profile"]) == ("available", {}, "composio_managed")
    assert (entry["logo_url"], entry["display_name"]) == ("", made["slack"].name)


def test_the_tools_order_comes_first_then_other_bound_providers(
    read: Read, platform: Platform, workspace: Workspace
) -> None:
    slugs: list[str] = []

    def build(session: Session) -> Tenancy:
        listed = [make_integration(session) for _ in range(3)]
        extra = make_integration(session, enabled=False)
        tool = make_tool(session, [item.slug for item in listed[::-1]])
        tenancy = make_app(session, workspace.tenant_id, tool)
        for item in (extra, listed[1]):
            bind(session, tenancy, make_connection(session, platform, workspace.tenant_id, item))
        slugs.extend([item.slug for item in listed[::-1]] + [extra.slug])
        return tenancy

    entries = read(build)
    assert [entry["slug"] for entry in entries] == slugs
    assert [entry["status"] for entry in entries] == ["available", "connected", "available", "connected"]


def test_a_tool_that_surfaces_all_lists_every_enabled_integration_once(
    read: Read, platform: Platform, workspace: Workspace
) -> None:
    made: dict[str, str] = {}

    def build(session: Session) -> Tenancy:
        on, off, bound = make_integration(session), make_integration(session, enabled=False), None
        bound = make_integration(session)
        tenancy = make_app(session, workspace.tenant_id, make_tool(session, [], surface_all=True))
        bind(session, tenancy, make_connection(session, platform, workspace.tenant_id, bound))
        made.update(on=on.slug, off=off.slug, bound=bound.slug)
        return tenancy

    slugs = [entry["slug"] for entry in read(build)]
    assert len(slugs) == len(set(slugs))
    assert {made["on"], made["bound"]} <= set(slugs)
    assert made["off"] not in slugs


def test_a_project_app_shows_its_bindings_only(read: Read, platform: Platform, workspace: Workspace) -> None:
    def build(session: Session) -> Tenancy:
        tenancy = make_app(session, workspace.tenant_id)
        pool = make_integration(session)
        bind(session, tenancy, make_connection(session, platform, workspace.tenant_id, pool))
        return tenancy

    assert [entry["status"] for entry in read(build)] == ["connected"]


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (ConnectionStatus.ACTIVE, "connected"),
        (ConnectionStatus.NEEDS_REAUTH, "needs_reauth"),
        (ConnectionStatus.ERROR, "error"),
        (ConnectionStatus.REVOKED, "available"),
        (ConnectionStatus.PENDING_SETUP, "available"),
    ],
)
def test_each_status_has_one_name_on_the_wire(
    read: Read, platform: Platform, workspace: Workspace, status: ConnectionStatus, shown: str
) -> None:
    def build(session: Session) -> Tenancy:
        byok = make_integration(session, Profile.BYOK_STATIC)
        tenancy = make_app(session, workspace.tenant_id, make_tool(session, [byok.slug]))
        columns = {"status": status, "error_message": "why"}
        bind(session, tenancy, make_connection(session, platform, workspace.tenant_id, byok, **columns))
        return tenancy

    (entry,) = read(build)
    assert entry["status"] == shown
    assert (entry["credential"] is not None) == (shown == "connected")
    assert entry["error_message"] == ("why" if shown in {"needs_reauth", "error"} else None)


@pytest.mark.parametrize("status", ["revoked", "pending_setup"])
def test_a_dropped_binding_that_is_not_listed_does_not_appear(
    read: Read, platform: Platform, workspace: Workspace, status: str
) -> None:
    def build(session: Session) -> Tenancy:
        tenancy = make_app(session, workspace.tenant_id)
        byok = make_integration(session, Profile.BYOK_STATIC)
        bind(session, tenancy, make_connection(session, platform, workspace.tenant_id, byok, status=status))
        return tenancy

    assert read(build) == []


def static_app(
    session: Session, platform: Platform, workspace: Workspace, exclusive: bool = False
) -> Tenancy:
    declared = [
        {"name": "TELEGRAM_BOT_TOKEN", "value_from": "credential.bot_token"},
        {"name": "TELEGRAM_BOT_ID", "value_from": "metadata.telegram_bot_id"},
        {"name": "TELEGRAM_SIGNING_SECRET", "value_from": "metadata.webhook.signing_secret"},
    ]
    byok = make_integration(
        session, Profile.BYOK_STATIC, env_vars=declared, exclusive=exclusive, env_bootstrap=BOOTSTRAP
    )
    details = {
        "telegram_bot_id": 77,
        "webhook": {"signing_secret": "hush", "path": "/x"},
        "context": {byok.slug: {"ref": "abc"}, "other": {"ref": "no"}},
    }
    row = make_connection(session, platform, workspace.tenant_id, byok, details=details)
    payload = json.dumps({"bot_token": "77:AA", "port": 5, "nested": {"no": 1}})
    row.encrypted_credential = platform.cipher.seal(payload, credential_owner(row.id))
    tenancy = make_app(session, workspace.tenant_id)
    bind(session, tenancy, row, is_exclusive=exclusive).details = {"chat": "ops"}
    return tenancy


def test_a_static_credential_is_given_with_its_variables(
    read: Read, platform: Platform, workspace: Workspace
) -> None:
    (entry,) = read(lambda session: static_app(session, platform, workspace))
    assert entry["credential"] == {"bot_token": "77:AA", "port": 5}
    assert (entry["api_key"], entry["base_url"], entry["context"]) == (None, None, {"ref": "abc"})
    assert entry["metadata"]["credential"] == {
        "TELEGRAM_BOT_TOKEN": "77:AA",
        "TELEGRAM_BOT_ID": "77",
        "TELEGRAM_SIGNING_SECRET": "hush",
    }
    assert entry["metadata"]["chat"] == "ops"
    assert entry["metadata"]["webhook"] == {"path": "/x"}


def test_a_sandbox_sees_no_credential_of_an_exclusive_provider(
    read: Read, platform: Platform, workspace: Workspace
) -> None:
    (entry,) = read(lambda session: static_app(session, platform, workspace, exclusive=True), "?sandbox=1")
    assert (entry["credential"], entry["env_bootstrap"], entry["status"]) == (None, None, "connected")
    assert "credential" not in entry["metadata"]
    assert entry["id"] is not None


@pytest.mark.parametrize(
    ("query", "exclusive"), [("?sandbox=1", False), ("?sandbox=true", True), ("?sandbox=0", True), ("", True)]
)
def test_everything_else_is_given_in_full(
    read: Read, platform: Platform, workspace: Workspace, query: str, exclusive: bool
) -> None:
    (entry,) = read(lambda session: static_app(session, platform, workspace, exclusive), query)
    assert entry["credential"] == {"bot_token": "77:AA", "port": 5}
    assert entry["env_bootstrap"] == BOOTSTRAP


@pytest.mark.parametrize(
    ("profile", "hours", "expected"),
    [
        (Profile.OAUTH_APP_INSTALL, 1, {"access_token": "tok"}),
        (Profile.USER_OAUTH, None, {"access_token": "tok"}),
        (Profile.USER_OAUTH, -1, None),
        (Profile.WEBHOOK_INBOUND, 1, None),
        (Profile.COMPOSIO_MANAGED, 1, None),
    ],
)
def test_other_profiles_give_an_access_token_or_nothing(
    read: Read,
    platform: Platform,
    workspace: Workspace,
    profile: Profile,
    hours: int | None,
    expected: dict[str, str] | None,
) -> None:
    def build(session: Session) -> Tenancy:
        declared = [{"name": "NOTION_TOKEN", "value_from": "credential.access_token"}]
        row = make_connection(
            session, platform, workspace.tenant_id, make_integration(session, profile, env_vars=declared)
        )
        row.encrypted_credential = platform.cipher.seal("tok", credential_owner(row.id))
        row.encrypted_refresh_token = platform.cipher.seal("refresh-me", credential_owner(row.id))
        row.expires_at = None if hours is None else utc_now() + timedelta(hours=hours)
        tenancy = make_app(session, workspace.tenant_id)
        bind(session, tenancy, row)
        return tenancy

    (entry,) = read(build)
    assert (entry["status"], entry["credential"]) == ("connected", expected)
    assert entry["metadata"] == ({"credential": {"NOTION_TOKEN": "tok"}} if expected else {})
    assert "refresh-me" not in json.dumps(entry)


def test_a_credential_that_cannot_be_read_is_an_error_entry(
    read: Read, platform: Platform, workspace: Workspace
) -> None:
    def build(session: Session) -> Tenancy:
        row = make_connection(
            session, platform, workspace.tenant_id, make_integration(session, Profile.BYOK_STATIC)
        )
        row.encrypted_credential = platform.cipher.seal("{}", "another row")
        tenancy = make_app(session, workspace.tenant_id)
        bind(session, tenancy, row)
        return tenancy

    (entry,) = read(build)
    assert (entry["status"], entry["credential"], entry["metadata"]) == ("error", None, {})
    assert "cannot be read" in entry["error_message"]


def test_a_provider_deleted_from_the_catalog_keeps_its_entry(
    read: Read, platform: Platform, workspace: Workspace
) -> None:
    def build(session: Session) -> Tenancy:
        gone = make_integration(session, Profile.BYOK_STATIC)
        row = make_connection(session, platform, workspace.tenant_id, gone)
        tenancy = make_app(session, workspace.tenant_id)
        bind(session, tenancy, row)
        session.delete(gone)
        return tenancy

    (entry,) = read(build)
    assert (entry["status"], entry["display_name"], entry["category"]) == ("connected", "Mine", "")
    assert (entry["logo_url"], entry["brand_color"], entry["docs_url"]) == ("", "", "")
    assert entry["env_bootstrap"] is None


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
