from app.catalog.models import Tool, ToolRelease
from app.catalog.publishing import CatalogFlags

PUBLIC = "public, max-age=60"
PRIVATE = "private, no-store"


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
