"""deploy.md 1.3: what a slug may be, and who holds one."""

import pytest

from app.core.slugs import RESERVED_SLUGS
from app.deployments.naming import parse_deployment_id
from tests.app.deployments.orders import app_with, client_of, run_sql
from tests.factories import make_deployment, make_workspace, post_deploy, unique

CONTRACT_RESERVED = """
admin api app apps assets auth berth billing cdn credentials dashboard docs downloads hooks localhost mail
ns1 ns2 proxy registry root ssh staging static status support vendo www
"""


def refusal(answer) -> tuple[int, str | None]:
    return answer.status_code, answer.json.get("code")


def rename_tenant(platform, workspace, slug: str) -> None:
    run_sql(platform, "UPDATE tenants SET slug = :slug WHERE id = :id", slug=slug, id=workspace.tenant_id)
    object.__setattr__(workspace, "slug", slug)


@pytest.mark.parametrize(
    "slug", ["hermes", "crm", "echo", "prod", "support-bot", "a", "0", "a-b-c", "9lives"]
)
def test_a_good_slug_is_accepted(workspace, tool, slug):
    assert post_deploy(workspace, tool, deploymentSlug=slug).status_code == 201


@pytest.mark.parametrize(
    "slug",
    [
        "Support",
        "-bot",
        "bot-",
        "a--b",
        "a_b",
        "é",
        "a b",
        "a.b",
        "a/b",
        "-",
        "--",
        "ß",
        "bot\u200b",
        "①",
        "a\nb",
    ],
)
def test_a_bad_slug_is_invalid(workspace, tool, slug):
    assert refusal(post_deploy(workspace, tool, deploymentSlug=slug)) == (400, "INVALID_SLUG")


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
def test_a_name_of_berths_own_is_invalid(workspace, tool, slug):
    assert refusal(post_deploy(workspace, tool, deploymentSlug=slug)) == (400, "INVALID_SLUG")


def test_the_reserved_names_are_those_of_the_contract():
    assert set(CONTRACT_RESERVED.split()) == RESERVED_SLUGS


@pytest.mark.parametrize("slug", ["my-proxy", "x-oauth-start", "oauth-start"])
def test_a_label_of_an_other_surface_is_reserved(workspace, tool, slug):
    assert refusal(post_deploy(workspace, tool, deploymentSlug=slug)) == (400, "SUBDOMAIN_RESERVED")


def test_a_punycode_label_is_reserved(platform, workspace, tool):
    rename_tenant(platform, workspace, f"xn--{unique('')}")
    assert refusal(post_deploy(workspace, tool, deploymentSlug="crm")) == (400, "SUBDOMAIN_RESERVED")


def test_a_host_of_the_operator_is_reserved(app, workspace, tool):
    hosts = (f"{workspace.slug}-crm.localhost", f"{workspace.slug}-erp")
    with app_with(app, reserved_hosts=hosts) as reserving:
        client = client_of(reserving, workspace)
        for slug, status in [("crm", 400), ("erp", 400), ("shop", 201)]:
            order = {"toolSlug": tool, "tenantSlug": workspace.slug, "deploymentSlug": slug}
            assert client.post("/api/deploy", json=order).status_code == status


def test_a_label_of_64_is_too_long(platform, workspace, tool):
    rename_tenant(platform, workspace, unique("twelvechars-"))
    assert len(workspace.slug) == 20
    assert refusal(post_deploy(workspace, tool, deploymentSlug="x" * 43)) == (400, "SUBDOMAIN_TOO_LONG")
    assert post_deploy(workspace, tool, deploymentSlug="x" * 42).status_code == 201


@pytest.mark.parametrize("status", ["pending", "running", "failed", "suspended", "destroying"])
def test_a_live_deployment_holds_its_slug(platform, workspace, tool, status):
    make_deployment(platform, workspace, tool, status, deploymentSlug="crm")
    answer = post_deploy(workspace, tool, deploymentSlug="crm")
    message = f"A deployment already exists at {workspace.slug}-crm.localhost. Pick a different slug."
    assert (answer.status_code, answer.json) == (409, {"message": message, "code": "SLUG_TAKEN"})


def test_a_destroyed_deployment_frees_its_slug(platform, workspace, tool):
    first = make_deployment(platform, workspace, tool, "destroyed", deploymentSlug="crm")
    second = post_deploy(workspace, tool, deploymentSlug="crm")
    assert second.status_code == 201
    assert parse_deployment_id(second.json["deploymentId"]) != first


def test_the_same_label_of_two_tenants_is_one_address(app, platform, workspace, other, tool):
    stem = unique("t")
    rename_tenant(platform, workspace, f"{stem}-corp")
    rename_tenant(platform, other, stem)
    assert post_deploy(workspace, tool, deploymentSlug="crm").status_code == 201
    answer = post_deploy(other, tool, deploymentSlug="corp-crm")
    assert refusal(answer) == (409, "SUBDOMAIN_TAKEN")
    assert set(answer.json) == {"message", "code"}


def test_two_tenants_may_use_one_slug(workspace, other, tool):
    for owner in (workspace, other):
        assert post_deploy(owner, tool, deploymentSlug="crm").status_code == 201


def test_a_test_workspace_holds_labels_like_any_other(app, platform, workspace, tool):
    run_sql(platform, "UPDATE tenants SET is_test = true WHERE id = :id", id=workspace.tenant_id)
    assert post_deploy(workspace, tool, deploymentSlug="crm").status_code == 201
    assert refusal(post_deploy(workspace, tool, deploymentSlug="crm")) == (409, "SLUG_TAKEN")
    assert make_workspace(app, platform).slug != workspace.slug
