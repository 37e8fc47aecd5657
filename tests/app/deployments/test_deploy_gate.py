"""deploy.md 1.1, checks 1, 2, 5, 7, 8 and 9: who may deploy what."""

import pytest
from sqlalchemy import delete

from app.billing.models import Credit, StripeCustomer
from app.catalog.publishing import CatalogFlags
from app.identity.keys import mint_app_key
from app.identity.models import TenantMember
from tests.app.deployments.orders import app_with, client_of, run_sql
from tests.factories import (
    make_deployment,
    make_tenant,
    make_user,
    make_workspace,
    plain_manifest,
    post_deploy,
    publish_tool,
    sign_in,
    unique,
)

FORBIDDEN = (403, {"message": "Tenant not found or not authorized"})
NO_TOOL = (404, {"message": "Tool not found"})
UNRELEASED = (403, {"error": "tool_unreleased"})


def outcome(answer) -> tuple[int, object]:
    return answer.status_code, answer.json


def test_without_a_session_nothing_is_said(client, workspace, tool):
    answer = client.post("/api/deploy", json={"toolSlug": tool, "tenantSlug": workspace.slug})
    assert outcome(answer) == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize("cookie", ["", "x", "x" * 5000, "'; --", "é"])
def test_a_cookie_of_nobody_is_no_session(app, workspace, tool, cookie):
    order = {"toolSlug": tool, "tenantSlug": workspace.slug}
    header = {"Cookie": f"berth_session={cookie}"}
    answer = app.test_client().post("/api/deploy", json=order, headers=header)
    assert outcome(answer) == (401, {"message": "Unauthorized"})


def test_an_app_key_is_no_session(client, platform, workspace, tool):
    deployment_id = make_deployment(platform, workspace, tool)
    with platform.database.transaction() as session:
        app_id = session.connection().exec_driver_sql(
            f"SELECT authorization_id FROM deployments WHERE id = '{deployment_id}'"
        )
        key = mint_app_key(session, workspace.tenant_id, app_id.scalar_one(), "k").plaintext
    order = {"toolSlug": tool, "tenantSlug": workspace.slug}
    answer = client.post("/api/deploy", json=order, headers={"Authorization": f"Bearer {key}"})
    assert outcome(answer) == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost", "http://localhost:8081", ""]
)
def test_a_foreign_origin_is_refused(workspace, tool, origin):
    answer = post_deploy(workspace, tool, headers={"Origin": origin})
    assert outcome(answer) == (403, {"message": "Origin not allowed"})


@pytest.mark.parametrize("origin", ["http://localhost:8080", "http://LOCALHOST:8080"])
def test_the_own_origin_is_allowed(workspace, tool, origin):
    assert post_deploy(workspace, tool, headers={"Origin": origin}).status_code == 201


def test_an_unknown_workspace_is_forbidden(workspace, tool):
    assert outcome(post_deploy(workspace, tool, tenantSlug="nobody-here")) == FORBIDDEN


@pytest.mark.parametrize("is_admin", [False, True])
def test_another_owners_workspace_is_forbidden_to_admins_too(app, platform, workspace, tool, is_admin):
    stranger = make_workspace(app, platform, is_admin=is_admin)
    assert outcome(post_deploy(stranger, tool, tenantSlug=workspace.slug)) == FORBIDDEN


@pytest.mark.parametrize("role", ["owner", "member", "viewer"])
def test_a_member_is_not_the_owner(platform, workspace, other, tool, role):
    with platform.database.transaction() as session:
        session.add(TenantMember(tenant_id=workspace.tenant_id, user_id=other.user_id, role=role))
    assert outcome(post_deploy(other, tool, tenantSlug=workspace.slug)) == FORBIDDEN


def test_a_workspace_must_have_chosen_its_slug(app, platform, tool):
    user = make_user(platform)
    tenant = make_tenant(platform, user, slug_chosen=False)
    order = {"toolSlug": tool, "tenantSlug": tenant.slug}
    answer = sign_in(app, platform, user).post("/api/deploy", json=order)
    assert (answer.status_code, answer.json["code"]) == (400, "SLUG_REQUIRED")
    assert set(answer.json) == {"message", "code"}


def empty_wallet(platform, workspace, micros: int) -> None:
    balance = {"balance": micros / 1_000_000, "id": workspace.tenant_id}
    run_sql(platform, "UPDATE wallets SET balance_usd = :balance WHERE tenant_id = :id", **balance)


def forget_billing(platform, workspace) -> None:
    with platform.database.transaction() as session:
        session.execute(delete(StripeCustomer).where(StripeCustomer.tenant_id == workspace.tenant_id))


def test_billing_must_be_set_up(platform, workspace, tool):
    forget_billing(platform, workspace)
    body = {"message": "Set up billing before deploying.", "code": "BILLING_NOT_SETUP"}
    assert outcome(post_deploy(workspace, tool)) == (402, body)


@pytest.mark.parametrize(("micros", "usd"), [(0, 0), (-1_500_000, -1.5), (-1, 0)])
def test_an_empty_wallet_cannot_deploy(platform, workspace, tool, micros, usd):
    empty_wallet(platform, workspace, micros)
    answer = post_deploy(workspace, tool)
    message = "Add credits to your wallet before deploying."
    assert outcome(answer) == (402, {"message": message, "code": "INSUFFICIENT_CREDITS", "balance_usd": usd})
    assert not isinstance(answer.json["balance_usd"], str)


def test_one_micro_is_enough(platform, workspace, tool):
    empty_wallet(platform, workspace, 1)
    assert post_deploy(workspace, tool).status_code == 201


def test_a_wallet_that_never_had_credits_is_empty(platform, app, tool):
    user = make_user(platform)
    tenant = make_tenant(platform, user)
    with platform.database.transaction() as session:
        session.add(StripeCustomer(tenant_id=tenant.id, stripe_customer_id=unique("c"), email="x@y.example"))
    order = {"toolSlug": tool, "tenantSlug": tenant.slug}
    answer = sign_in(app, platform, user).post("/api/deploy", json=order)
    assert (answer.status_code, answer.json["code"]) == (402, "INSUFFICIENT_CREDITS")


def test_a_later_credit_opens_the_gate(platform, workspace, tool):
    empty_wallet(platform, workspace, 0)
    assert post_deploy(workspace, tool).status_code == 402
    with platform.database.transaction() as session:
        credit = {"amount_micros": 1, "source": "grant", "idempotency_key": unique("g")}
        session.add(Credit(tenant_id=workspace.tenant_id, **credit))
    assert post_deploy(workspace, tool).status_code == 201


def test_a_test_workspace_needs_no_billing(platform, workspace, tool):
    run_sql(platform, "UPDATE tenants SET is_test = true WHERE id = :id", id=workspace.tenant_id)
    forget_billing(platform, workspace)
    assert post_deploy(workspace, tool).status_code == 201


def test_an_admin_needs_no_billing(app, platform, tool):
    admin = make_workspace(app, platform, is_admin=True)
    forget_billing(platform, admin)
    assert post_deploy(admin, tool).status_code == 201


def test_an_admin_by_configuration_needs_no_billing(app, platform, workspace, tool):
    forget_billing(platform, workspace)
    order = {"toolSlug": tool, "tenantSlug": workspace.slug}
    with app_with(app, admin_user_ids=(str(workspace.user_id),)) as changed:
        assert client_of(changed, workspace).post("/api/deploy", json=order).status_code == 201


def test_billing_switched_off_asks_for_nothing(app, platform, workspace, tool):
    forget_billing(platform, workspace)
    order = {"toolSlug": tool, "tenantSlug": workspace.slug}
    with app_with(app, billing_mode="off") as changed:
        assert client_of(changed, workspace).post("/api/deploy", json=order).status_code == 201


def test_an_unknown_tool_is_not_found(workspace):
    assert outcome(post_deploy(workspace, "no-such-tool")) == NO_TOOL


@pytest.mark.parametrize("kind", ["downloadable", "npm", "internal"])
@pytest.mark.parametrize("is_admin", [False, True])
def test_only_deployments_can_be_deployed(app, platform, publish, kind, is_admin):
    slug = publish()
    run_sql(platform, "UPDATE apps_catalog SET tool_type = :kind WHERE slug = :slug", kind=kind, slug=slug)
    answer = post_deploy(make_workspace(app, platform, is_admin=is_admin), slug)
    assert (answer.status_code, answer.json["code"]) == (400, "TOOL_NOT_DEPLOYABLE")


@pytest.mark.parametrize(("is_admin", "expected"), [(False, 403), (True, 201)])
def test_a_disabled_tool_is_unreleased_but_not_for_admins(app, platform, is_admin, expected):
    slug = publish_tool(platform, plain_manifest(), CatalogFlags(enabled=False))
    answer = post_deploy(make_workspace(app, platform, is_admin=is_admin), slug)
    assert answer.status_code == expected
    assert expected == 201 or outcome(answer) == UNRELEASED


@pytest.mark.parametrize("is_admin", [False, True])
def test_a_tool_without_an_active_release_is_unreleased_for_everybody(app, platform, publish, is_admin):
    slug = publish()
    run_sql(
        platform,
        "UPDATE tool_releases SET status = 'inactive'"
        " WHERE tool_id = (SELECT id FROM apps_catalog WHERE slug = :slug)",
        slug=slug,
    )
    assert outcome(post_deploy(make_workspace(app, platform, is_admin=is_admin), slug)) == UNRELEASED


@pytest.fixture
def internal(platform, other):
    """The slug of a tool that `other` owns."""
    flags = CatalogFlags(is_internal=True, owner_tenant_id=other.tenant_id)
    return publish_tool(platform, plain_manifest(), flags)


def test_another_workspaces_internal_tool_does_not_exist(workspace, internal):
    assert outcome(post_deploy(workspace, internal)) == NO_TOOL


def test_the_owner_deploys_an_internal_tool(other, internal):
    assert post_deploy(other, internal).status_code == 201


def test_an_admin_deploys_any_internal_tool(app, platform, internal):
    admin = make_workspace(app, platform, is_admin=True)
    assert post_deploy(admin, internal).status_code == 201


def test_an_internal_tool_without_an_owner_is_for_everybody_with_the_slug(platform, workspace):
    slug = publish_tool(platform, plain_manifest(), CatalogFlags(is_internal=True))
    assert post_deploy(workspace, slug).status_code == 201


def test_a_member_of_the_owning_workspace_deploys_its_internal_tool(platform, workspace, other, internal):
    with platform.database.transaction() as session:
        session.add(TenantMember(tenant_id=other.tenant_id, user_id=workspace.user_id, role="member"))
    assert post_deploy(workspace, internal).status_code == 201
