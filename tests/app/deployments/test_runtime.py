"""What a deployed tool is told of its connections (runtime.md 1)."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.connections.models import ConnectionStatus, Profile
from app.core.platform import Platform
from tests.app.connections.rows import (
    Tenancy,
    bind,
    make_app,
    make_connection,
    make_integration,
    make_tool,
)
from tests.app.deployments.runtime_apps import BOOTSTRAP, ReadConnections
from tests.factories import Workspace


def test_a_pool_connection_hands_out_the_very_bearer(
    read_connections: ReadConnections, platform: Platform, workspace: Workspace
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

    (entry,) = read_connections(build)
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


def test_what_is_listed_and_not_bound_is_available(
    read_connections: ReadConnections, workspace: Workspace
) -> None:
    made: dict[str, Any] = {}

    def build(session: Session) -> Tenancy:
        made["slack"] = make_integration(session, Profile.COMPOSIO_MANAGED, env_bootstrap=BOOTSTRAP)
        made["app"] = make_app(session, workspace.tenant_id, make_tool(session, [made["slack"].slug]))
        return made["app"]  # type: ignore[no-any-return]

    (entry,) = read_connections(build)
    slug = made["slack"].slug
    assert entry["setup_url"] == f"http://localhost:8080/connections/connect/{slug}?app={made['app'].app_id}"
    nothing = ("id", "external_id", "api_key", "base_url", "credential", "context", "connected_at")
    assert {name: entry[name] for name in (*nothing, "env_bootstrap", "error_message")} == dict.fromkeys(
        (*nothing, "env_bootstrap", "error_message")
    )
    assert (entry["status"], entry["metadata"], entry["profile"]) == ("available", {}, "composio_managed")
    assert (entry["logo_url"], entry["display_name"]) == ("", made["slack"].name)


def test_the_tools_order_comes_first_then_other_bound_providers(
    read_connections: ReadConnections, platform: Platform, workspace: Workspace
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

    entries = read_connections(build)
    assert [entry["slug"] for entry in entries] == slugs
    assert [entry["status"] for entry in entries] == ["available", "connected", "available", "connected"]


def test_a_tool_that_surfaces_all_lists_every_enabled_integration_once(
    read_connections: ReadConnections, platform: Platform, workspace: Workspace
) -> None:
    made: dict[str, str] = {}

    def build(session: Session) -> Tenancy:
        on, off, bound = make_integration(session), make_integration(session, enabled=False), None
        bound = make_integration(session)
        tenancy = make_app(session, workspace.tenant_id, make_tool(session, [], surface_all=True))
        bind(session, tenancy, make_connection(session, platform, workspace.tenant_id, bound))
        made.update(on=on.slug, off=off.slug, bound=bound.slug)
        return tenancy

    slugs = [entry["slug"] for entry in read_connections(build)]
    assert len(slugs) == len(set(slugs))
    assert {made["on"], made["bound"]} <= set(slugs)
    assert made["off"] not in slugs


def test_a_project_app_shows_its_bindings_only(
    read_connections: ReadConnections, platform: Platform, workspace: Workspace
) -> None:
    def build(session: Session) -> Tenancy:
        tenancy = make_app(session, workspace.tenant_id)
        pool = make_integration(session)
        bind(session, tenancy, make_connection(session, platform, workspace.tenant_id, pool))
        return tenancy

    assert [entry["status"] for entry in read_connections(build)] == ["connected"]


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
    read_connections: ReadConnections,
    platform: Platform,
    workspace: Workspace,
    status: ConnectionStatus,
    shown: str,
) -> None:
    def build(session: Session) -> Tenancy:
        byok = make_integration(session, Profile.BYOK_STATIC)
        tenancy = make_app(session, workspace.tenant_id, make_tool(session, [byok.slug]))
        columns = {"status": status, "error_message": "why"}
        bind(session, tenancy, make_connection(session, platform, workspace.tenant_id, byok, **columns))
        return tenancy

    (entry,) = read_connections(build)
    assert entry["status"] == shown
    assert (entry["credential"] is not None) == (shown == "connected")
    assert entry["error_message"] == ("why" if shown in {"needs_reauth", "error"} else None)


@pytest.mark.parametrize("status", ["revoked", "pending_setup"])
def test_a_dropped_binding_that_is_not_listed_does_not_appear(
    read_connections: ReadConnections, platform: Platform, workspace: Workspace, status: str
) -> None:
    def build(session: Session) -> Tenancy:
        tenancy = make_app(session, workspace.tenant_id)
        byok = make_integration(session, Profile.BYOK_STATIC)
        bind(session, tenancy, make_connection(session, platform, workspace.tenant_id, byok, status=status))
        return tenancy

    assert read_connections(build) == []


def test_a_provider_deleted_from_the_catalog_keeps_its_entry(
    read_connections: ReadConnections, platform: Platform, workspace: Workspace
) -> None:
    def build(session: Session) -> Tenancy:
        gone = make_integration(session, Profile.BYOK_STATIC)
        row = make_connection(session, platform, workspace.tenant_id, gone)
        tenancy = make_app(session, workspace.tenant_id)
        bind(session, tenancy, row)
        session.delete(gone)
        return tenancy

    (entry,) = read_connections(build)
    assert (entry["status"], entry["display_name"], entry["category"]) == ("connected", "Mine", "")
    assert (entry["logo_url"], entry["brand_color"], entry["docs_url"]) == ("", "", "")
    assert entry["env_bootstrap"] is None
