import dataclasses
from uuid import uuid4

import pytest

from app.catalog.models import Integration, TenantIntegration, Tool, ToolRelease
from app.catalog.publishing import CatalogFlags
from app.connections.models import App, Binding, Connection
from app.core.config import Settings
from app.core.db import Database
from app.core.redis import Cache, connect_redis
from tests.factories import make_user, make_workspace, sign_in

PUBLIC = "public, max-age=60"
PRIVATE = "private, no-store"


@pytest.fixture
def admin(app, platform):
    return sign_in(app, platform, make_user(platform, is_admin=True))


@pytest.fixture
def dead_database(app, platform, monkeypatch):
    """The platform with a database that refuses every connection."""
    settings = dataclasses.replace(platform.settings, database_url="postgresql://x:y@127.0.0.1:1/none")
    broken = dataclasses.replace(platform, database=Database(settings))
    monkeypatch.setitem(app.extensions, "berth", broken)


@pytest.fixture
def dead_redis(app, platform, monkeypatch):
    settings: Settings = dataclasses.replace(platform.settings, redis_url="redis://127.0.0.1:1/0")
    broken = dataclasses.replace(platform, cache=Cache(connect_redis(settings)))
    monkeypatch.setitem(app.extensions, "berth", broken)


def rows_of(client, path, slug):
    key = "slug" if path.endswith("catalog") else "toolSlug"
    return [row for row in client.get(path).json["tools"] if row[key] == slug]


def edit(platform, slug, **columns):
    with platform.database.transaction() as session:
        tool = session.query(Tool).filter_by(slug=slug).one()
        for name, value in columns.items():
            setattr(tool, name, value)


def test_a_catalog_row_has_the_contracts_keys(publish, client, slug):
    publish("1.2.0", flags=CatalogFlags(icon_url="/logos/tool.svg", marketing={"monthlyCost": "$14/mo"}))
    assert rows_of(client, "/api/tools/catalog", slug) == [
        {
            "slug": slug,
            "name": "Mailroom",
            "description": "",
            "category": "other",
            "tool_type": "deployment",
            "icon_url": "http://localhost:8080/logos/tool.svg",
            "featured": False,
            "deployable": True,
            "version": "1.2.0",
            "marketing": {"monthlyCost": "$14/mo"},
        }
    ]


def test_an_admin_row_adds_enabled(publish, admin, slug):
    publish(flags=CatalogFlags(enabled=False))
    (row,) = rows_of(admin, "/api/tools/catalog", slug)
    assert row["enabled"] is False


def test_a_deployable_row_has_exactly_the_contracts_keys(publish, client, slug):
    inputs = [{"key": "TIMEZONE", "label": "Timezone"}]
    publish("1.2.0", userInputs=inputs, catalog={"auth_mode": "no_auth"})
    assert rows_of(client, "/api/tools/deployable", slug) == [
        {
            "toolSlug": slug,
            "toolName": "Mailroom",
            "description": "",
            "iconUrl": None,
            "authMode": "no_auth",
            "sourceRepo": None,
            "version": "1.2.0",
            "wizardInputs": [
                {
                    "key": "TIMEZONE",
                    "label": "Timezone",
                    "inputType": "text",
                    "category": "user_optional",
                    "type": "string",
                    "required": False,
                }
            ],
            "wizardLayout": None,
        }
    ]


def test_featured_tools_come_first_then_names(publish, platform, client, slug):
    publish(name="Zzz")
    edit(platform, slug, featured=True)
    platform.redis.flushdb()
    rows = client.get("/api/tools/catalog").json["tools"]
    order = [(not row["featured"], row["name"]) for row in rows]
    assert order == sorted(order)


def test_caching_headers_follow_the_session(publish, client, workspace, admin, slug):
    publish()
    assert client.get("/api/tools/catalog").headers["Cache-Control"] == PUBLIC
    assert "Cookie" in client.get("/api/tools/catalog").headers["Vary"]
    for signed_in in (workspace.client, admin):
        assert signed_in.get("/api/tools/catalog").headers["Cache-Control"] == PRIVATE
    for path in ("/api/tools/deployable", f"/api/tools/{slug}", f"/api/tools/{slug}/integrations"):
        assert client.get(path).headers["Cache-Control"] == PRIVATE


def test_no_route_here_emits_cors_headers(publish, client, slug):
    publish()
    for path in ("/api/tools/catalog", f"/api/tools/{slug}", "/logos/tool.svg"):
        response = client.get(path, headers={"Origin": "https://elsewhere.example"})
        assert "Access-Control-Allow-Origin" not in response.headers


def test_the_public_list_is_cached_and_a_change_shows_at_once(publish, platform, client, slug):
    publish("1.0.0")
    assert rows_of(client, "/api/tools/catalog", slug)[0]["version"] == "1.0.0"
    edit(platform, slug, name="Renamed behind the cache")
    assert rows_of(client, "/api/tools/catalog", slug)[0]["name"] == "Mailroom"
    publish("1.1.0")
    (row,) = rows_of(client, "/api/tools/catalog", slug)
    assert (row["name"], row["version"]) == ("Renamed behind the cache", "1.1.0")


def test_an_admins_answer_is_neither_cached_nor_taken_from_the_cache(publish, platform, client, admin, slug):
    publish(flags=CatalogFlags(is_internal=True))
    assert len(rows_of(admin, "/api/tools/catalog", slug)) == 1
    assert rows_of(client, "/api/tools/catalog", slug) == []
    assert len(rows_of(admin, "/api/tools/catalog", slug)) == 1


def test_without_redis_the_catalog_reads_postgres(publish, dead_redis, client, slug):
    publish()
    assert len(rows_of(client, "/api/tools/catalog", slug)) == 1


def test_without_postgres_the_lists_are_empty_and_not_cached(platform, dead_database, client):
    platform.redis.flushdb()
    for path in ("/api/tools/catalog", "/api/tools/deployable"):
        response = client.get(path)
        assert (response.status_code, response.json) == (200, {"tools": []})
        assert response.headers["Cache-Control"] == PRIVATE


def test_without_postgres_one_tool_is_an_internal_error(dead_database, client):
    for path in ("/api/tools/inkwell", "/api/tools/inkwell/integrations"):
        response = client.get(path)
        assert (response.status_code, response.json) == (500, {"error": "Internal error"})


def test_one_tool_carries_its_active_release(publish, client, slug):
    publish("1.2.0", flags=CatalogFlags(is_internal=True))
    tool = client.get(f"/api/tools/{slug}").json["tool"]
    release = tool.pop("release")
    assert (tool["slug"], tool["auth_mode"], tool["usage_category"]) == (slug, None, "compute_general")
    assert (tool["surface_all_connections"], tool["supported_connections"]) == (
        False,
        ["openrouter", "telegram"],
    )
    assert tool["id"]
    assert "enabled" not in tool
    assert (release["version"], release["template_version"], release["source_repo"]) == (
        "1.2.0",
        "1.2.0",
        None,
    )
    assert release["requires"] == [{"provider": "openrouter"}, {"provider": "telegram", "optional": True}]
    assert release["created_at"].endswith("Z")


def test_a_tool_without_a_release_says_null(publish, client, slug):
    publish(activate=False)
    assert client.get(f"/api/tools/{slug}").json["tool"]["release"] is None


def test_an_editors_connections_win_over_the_releases(publish, client, slug):
    publish(catalog={"supported_connections": ["slack"]})
    assert client.get(f"/api/tools/{slug}").json["tool"]["supported_connections"] == ["slack"]


@pytest.mark.parametrize("bad", ["nope", "A%20B", "%2e%2e", "x" * 300, "caf%C3%A9"])
def test_an_unknown_or_illegal_slug_is_404_here_and_empty_there(client, bad):
    response = client.get(f"/api/tools/{bad}")
    assert (response.status_code, response.json) == (404, {"error": "Tool not found"})
    response = client.get(f"/api/tools/{bad}/integrations")
    assert (response.status_code, response.json) == (200, {"required": [], "optional": []})


def test_a_slug_with_nul_is_404(client):
    response = client.get("/api/tools/%00")
    assert (response.status_code, response.json) == (404, {"error": "Tool not found"})


def test_a_disabled_tool_is_404_but_for_admins(publish, client, admin, slug):
    publish(flags=CatalogFlags(enabled=False))
    assert client.get(f"/api/tools/{slug}").status_code == 404
    assert admin.get(f"/api/tools/{slug}").json["tool"]["enabled"] is False


def test_a_stored_layout_that_no_longer_validates_is_served_as_null(publish, platform, client, slug):
    section = {"type": "wizard_inputs"}
    layout = {"version": 1, "subSteps": [{"id": "a", "title": "A", "sections": [section]}]}
    publish(wizardLayout=layout)
    assert rows_of(client, "/api/tools/deployable", slug)[0]["wizardLayout"] == layout
    with platform.database.transaction() as session:
        tool = session.query(Tool).filter_by(slug=slug).one()
        session.query(ToolRelease).filter_by(tool_id=tool.id).one().wizard_layout = {"version": 7}
    assert rows_of(client, "/api/tools/deployable", slug)[0]["wizardLayout"] is None
    assert client.get(f"/api/tools/{slug}").json["tool"]["release"]["wizard_layout"] is None


def integrations_of(client, slug, query=""):
    body = client.get(f"/api/tools/{slug}/integrations{query}").json
    return tuple({item["provider"]: item for item in body[name]} for name in ("required", "optional"))


def test_integrations_are_split_by_optional(publish, client, slug):
    publish()
    required, optional = integrations_of(client, slug)
    assert (list(required), list(optional)) == (["openrouter"], ["telegram"])
    entry = required["openrouter"]
    assert entry.pop("integrationId")
    assert entry == {
        "provider": "openrouter",
        "name": "OpenRouter",
        "description": "LLM gateway",
        "iconName": None,
        "logoUrl": "http://localhost:8080/logos/openrouter.svg",
        "category": "llm",
        "defaultProfile": "vendo_managed_pool",
        "supportedProfiles": ["vendo_managed_pool"],
        "alreadyEnabled": False,
    }


def test_all_connections_surface_as_optional_when_the_tool_says_so(publish, client, slug):
    publish(catalog={"surface_all_connections": True})
    required, optional = integrations_of(client, slug)
    assert list(required) == ["openrouter"]
    assert {"telegram", "notion", "slack"} <= set(optional)
    assert "openrouter" not in optional


def test_a_disabled_integration_is_left_out(publish, platform, client, slug):
    publish()
    with platform.database.transaction() as session:
        session.query(Integration).filter_by(slug="openrouter").one().enabled = False
    try:
        assert integrations_of(client, slug)[0] == {}
    finally:
        with platform.database.transaction() as session:
            session.query(Integration).filter_by(slug="openrouter").one().enabled = True


def bind(platform, workspace, provider):
    """An app of the workspace with a binding to `provider`; returns the app's id."""
    with platform.database.transaction() as session:
        app = App(tenant_id=workspace.tenant_id, kind="project")
        connection = Connection(
            tenant_id=workspace.tenant_id,
            external_id=f"vendo_conn_{uuid4().hex}",
            provider_slug=provider,
            profile="byok_static",
            status="active",
            display_name="A",
        )
        session.add_all([app, connection])
        session.flush()
        session.add(Binding(app_id=app.id, provider_slug=provider, connection_id=connection.id))
        return app.id


def enabled_of(client, slug, query=""):
    return {
        name
        for part in integrations_of(client, slug, query)
        for name, item in part.items()
        if item["alreadyEnabled"]
    }


def test_already_enabled_follows_the_named_apps_bindings(publish, platform, workspace, slug):
    publish()
    app_id = bind(platform, workspace, "telegram")
    assert enabled_of(workspace.client, slug, f"?appId={app_id}") == {"telegram"}
    assert enabled_of(workspace.client, slug) == {"telegram"}


def test_without_an_app_the_workspaces_switches_count(publish, platform, workspace, slug):
    publish()
    with platform.database.transaction() as session:
        openrouter = session.query(Integration).filter_by(slug="openrouter").one()
        session.add(TenantIntegration(tenant_id=workspace.tenant_id, integration_id=openrouter.id))
    assert enabled_of(workspace.client, slug) == {"openrouter"}


def test_another_tenants_app_and_a_malformed_id_reveal_nothing(
    publish, app, platform, workspace, client, slug
):
    publish()
    app_id = bind(platform, workspace, "telegram")
    other = make_workspace(app, platform)
    assert enabled_of(other.client, slug, f"?appId={app_id}") == set()
    assert enabled_of(client, slug, f"?appId={app_id}") == set()
    for bad in ("nope", "", "%00", str(uuid4())):
        assert enabled_of(workspace.client, slug, f"?appId={bad}") == set()


def test_a_logo_is_served_as_an_inert_picture(client):
    response = client.get("/logos/openrouter.svg")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert response.data.startswith(b"<svg")


@pytest.mark.parametrize(
    "name",
    [
        "nope.svg",
        "..%2fmodels.py",
        "%2e%2e%2fdata%2fintegrations.json",
        ".svg",
        "tool.SVG",
        "tool.svg%00",
        "x.py",
    ],
)
def test_nothing_but_a_logo_leaves_the_folder(client, name):
    response = client.get(f"/logos/{name}")
    assert (response.status_code, response.json) == (404, {"message": "Not found"})
