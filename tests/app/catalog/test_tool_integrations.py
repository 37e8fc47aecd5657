from uuid import uuid4

from app.catalog.models import Integration, TenantIntegration
from app.connections.models import App, Binding, Connection
from tests.factories import make_workspace


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
