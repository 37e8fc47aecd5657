import pytest

from app.catalog.publishing import CatalogFlags


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
