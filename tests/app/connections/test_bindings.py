"""Which connection each provider of a deploy gets, and in which order refusals come."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.connections import bindings
from app.connections.bindings import (
    BindingPlan,
    BindingRequest,
    apply_bindings,
    list_broken_bindings,
    plan_bindings,
)
from app.connections.models import Binding, Connection, ConnectionStatus, Profile
from app.core.errors import BerthError, ConflictError, InvalidError, NotFoundError
from app.core.platform import Platform
from tests.app.connections.rows import bind, make_app, make_connection, make_integration, new_connection
from tests.factories import Workspace


def plan(session: Session, workspace: Workspace, **fields: Any) -> BindingPlan:
    return plan_bindings(session, workspace.tenant_id, BindingRequest(**fields), nobody)


def nobody(session: Session, connection_id: UUID) -> tuple[str, str] | None:
    return None


def somebody(session: Session, connection_id: UUID) -> tuple[str, str] | None:
    return "other", "Other"


def needs(*slugs: str, optional: bool = False) -> list[dict[str, Any]]:
    return [{"provider": slug, "optional": optional} for slug in slugs]


def bound(session: Session, app_id: UUID) -> dict[str, UUID]:
    rows = session.execute(
        select(Binding.provider_slug, Binding.connection_id).where(Binding.app_id == app_id)
    )
    return {row[0]: row[1] for row in rows}


def refusal(session: Session, workspace: Workspace, **fields: Any) -> BerthError:
    with pytest.raises(BerthError) as caught:
        plan(session, workspace, **fields)
    return caught.value


def test_unknown_and_disabled_providers_are_named_in_the_order_given(
    session: Session, workspace: Workspace
) -> None:
    off = make_integration(session, enabled=False).slug
    error = refusal(session, workspace, bindings=["nope", off], selected_bindings={"what": uuid4()})
    assert (error.code, error.extras) == ("UNKNOWN_BINDING", {"unknown": ["nope", off, "what"]})


def test_a_selected_connection_is_bound_before_the_pool(
    session: Session, platform: Platform, workspace: Workspace
) -> None:
    integration = make_integration(session)
    mine = make_connection(session, platform, workspace.tenant_id, integration)
    app = make_app(session, workspace.tenant_id)
    chosen = plan(session, workspace, selected_bindings={integration.slug: mine.id})
    apply_bindings(session, app.app_id, workspace.tenant_id, chosen)
    assert bound(session, app.app_id) == {integration.slug: mine.id}


def test_a_selected_connection_of_another_tenant_is_not_found(
    session: Session, platform: Platform, workspace: Workspace, other: Workspace
) -> None:
    integration = make_integration(session, Profile.BYOK_STATIC)
    theirs = make_connection(session, platform, other.tenant_id, integration)
    error = refusal(session, workspace, selected_bindings={integration.slug: theirs.id})
    assert isinstance(error, NotFoundError)
    assert (error.code, error.extras) == ("CONNECTION_NOT_FOUND", {"provider": integration.slug})


def test_a_selected_connection_of_another_provider_is_refused(
    session: Session, platform: Platform, workspace: Workspace
) -> None:
    wanted, held = make_integration(session), make_integration(session)
    row = make_connection(session, platform, workspace.tenant_id, held)
    error = refusal(session, workspace, selected_bindings={wanted.slug: row.id})
    assert (error.code, error.extras) == ("PROVIDER_MISMATCH", {"provider": wanted.slug})


@pytest.mark.parametrize("status", [item for item in ConnectionStatus if item != ConnectionStatus.ACTIVE])
def test_a_selected_connection_must_be_active(
    session: Session, platform: Platform, workspace: Workspace, status: ConnectionStatus
) -> None:
    integration = make_integration(session, Profile.BYOK_STATIC)
    row = make_connection(session, platform, workspace.tenant_id, integration, status=status)
    assert (
        refusal(session, workspace, selected_bindings={integration.slug: row.id}).code
        == "CONNECTION_INACTIVE"
    )


def test_an_exclusive_connection_in_use_names_its_holder(
    session: Session, platform: Platform, workspace: Workspace
) -> None:
    integration = make_integration(session, Profile.BYOK_STATIC, exclusive=True)
    row = make_connection(session, platform, workspace.tenant_id, integration)
    request = BindingRequest(selected_bindings={integration.slug: row.id})
    with pytest.raises(ConflictError) as caught:
        plan_bindings(session, workspace.tenant_id, request, somebody)
    assert caught.value.code == "CONNECTION_IN_USE"
    holder = {"deployment_slug": "other", "deployment_name": "Other"}
    assert caught.value.extras == {"provider": integration.slug, "bound_to": holder}


def test_a_shared_connection_may_serve_several_apps(
    session: Session, platform: Platform, workspace: Workspace
) -> None:
    integration = make_integration(session, Profile.BYOK_STATIC)
    row = make_connection(session, platform, workspace.tenant_id, integration)
    request = BindingRequest(selected_bindings={integration.slug: row.id})
    assert plan_bindings(session, workspace.tenant_id, request, somebody).choices[0].connection is row


def test_required_providers_without_a_source_are_missing(session: Session, workspace: Workspace) -> None:
    pool, byok = make_integration(session), make_integration(session, Profile.BYOK_STATIC)
    error = refusal(session, workspace, manifest_integrations=needs(pool.slug, byok.slug, "gone"))
    assert (error.code, error.extras) == ("MISSING_BINDING", {"missing": [byok.slug, "gone"]})


def test_an_optional_provider_without_a_source_stays_unbound(session: Session, workspace: Workspace) -> None:
    byok = make_integration(session, Profile.BYOK_STATIC)
    chosen = plan(
        session, workspace, bindings=[byok.slug], manifest_integrations=needs(byok.slug, optional=True)
    )
    assert chosen.choices == ()


def test_an_optional_pool_provider_is_bound_only_when_named(session: Session, workspace: Workspace) -> None:
    pool = make_integration(session)
    entry = needs(pool.slug, optional=True)
    assert plan(session, workspace, manifest_integrations=entry).choices == ()
    named = plan(session, workspace, bindings=[pool.slug, pool.slug], manifest_integrations=entry)
    assert [choice.integration.slug for choice in named.choices] == [pool.slug]


def test_a_pending_credential_needs_an_inline_connect(session: Session, workspace: Workspace) -> None:
    byok = make_integration(session, Profile.BYOK_STATIC)
    error = refusal(session, workspace, pending_bindings={byok.slug: {"bot_token": "x"}})
    assert (error.token, error.extras) == ("no_inline_connect", {"provider": byok.slug})


def test_a_registered_inline_connect_is_all_a_provider_needs(
    session: Session, platform: Platform, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    byok = make_integration(session, Profile.BYOK_STATIC)
    row = new_connection(platform, workspace.tenant_id, byok)
    monkeypatch.setitem(bindings.INLINE_CONNECTS, byok.slug, lambda tenant_id, credential: row)
    app = make_app(session, workspace.tenant_id)
    pending = {byok.slug: {"bot_token": "x"}}
    chosen = plan(session, workspace, pending_bindings=pending, manifest_integrations=needs(byok.slug))
    assert session.get(Connection, row.id) is None
    apply_bindings(session, app.app_id, workspace.tenant_id, chosen)
    assert bound(session, app.app_id) == {byok.slug: row.id}


def test_missing_is_reported_before_a_pending_credential_is_tried(
    session: Session, workspace: Workspace
) -> None:
    byok, other = (make_integration(session, Profile.BYOK_STATIC) for _ in range(2))
    fields = {"pending_bindings": {byok.slug: {}}, "manifest_integrations": needs(other.slug)}
    assert refusal(session, workspace, **fields).code == "MISSING_BINDING"


def test_planning_writes_nothing(session: Session, workspace: Workspace) -> None:
    pool = make_integration(session)
    plan(session, workspace, bindings=[pool.slug])
    count = select(func.count()).select_from(Connection).where(Connection.provider_slug == pool.slug)
    assert session.scalar(count) == 0


def test_the_pool_connection_is_made_once_and_reused(session: Session, workspace: Workspace) -> None:
    pool = make_integration(session)
    chosen = plan(session, workspace, bindings=[pool.slug])
    first, second = make_app(session, workspace.tenant_id), make_app(session, workspace.tenant_id)
    for app in (first, second):
        apply_bindings(session, app.app_id, workspace.tenant_id, chosen)
    assert bound(session, first.app_id) == bound(session, second.app_id)
    row = session.get_one(Connection, bound(session, first.app_id)[pool.slug])
    assert (row.profile, row.status) == (Profile.MANAGED_POOL, ConnectionStatus.ACTIVE)
    assert row.display_name == f"{pool.name} (managed)"
    assert row.external_id.startswith("vendo_conn_")


def test_deploys_at_once_share_one_pool_connection(platform: Platform, workspace: Workspace) -> None:
    with platform.database.transaction() as session:
        slugs = [make_integration(session).slug for _ in range(3)]
        apps = [make_app(session, workspace.tenant_id) for _ in range(8)]

    def deploy(number: int) -> set[UUID]:
        order = slugs if number % 2 else slugs[::-1]
        with platform.database.transaction() as session:
            chosen = plan(session, workspace, bindings=order)
            apply_bindings(session, apps[number].app_id, workspace.tenant_id, chosen)
            return set(bound(session, apps[number].app_id).values())

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(deploy, range(8)))
    assert all(result == results[0] for result in results)
    assert len(results[0]) == 3


def test_an_exclusive_connection_is_bound_once_whatever_the_checks_saw(
    session: Session, platform: Platform, workspace: Workspace
) -> None:
    integration = make_integration(session, Profile.BYOK_STATIC, exclusive=True)
    row = make_connection(session, platform, workspace.tenant_id, integration)
    chosen = plan(session, workspace, selected_bindings={integration.slug: row.id})
    bind(session, make_app(session, workspace.tenant_id), row, is_exclusive=True)
    with pytest.raises(IntegrityError, match="uq_bindings_exclusive_connection"):
        apply_bindings(session, make_app(session, workspace.tenant_id).app_id, workspace.tenant_id, chosen)


def test_the_database_refuses_a_binding_across_tenants(
    session: Session, platform: Platform, workspace: Workspace, other: Workspace
) -> None:
    row = make_connection(session, platform, other.tenant_id, make_integration(session))
    with pytest.raises(IntegrityError, match="one tenant"):
        bind(session, make_app(session, workspace.tenant_id), row)


def test_broken_bindings_are_those_whose_connection_is_not_active(
    session: Session, platform: Platform, workspace: Workspace
) -> None:
    good, bad = make_integration(session), make_integration(session)
    app = make_app(session, workspace.tenant_id)
    bind(session, app, make_connection(session, platform, workspace.tenant_id, good))
    bind(session, app, make_connection(session, platform, workspace.tenant_id, bad, status="error"))
    assert list_broken_bindings(session, app.app_id) == [bad.slug]


def test_errors_are_invalid_requests(session: Session, workspace: Workspace) -> None:
    assert isinstance(refusal(session, workspace, bindings=["nope"]), InvalidError)
