"""deploy.md 3.1: what the owner sees of deployments, and nobody else."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from app.catalog.releases import find_active_release
from app.deployments.models import Deployment
from app.deployments.naming import format_deployment_id
from app.deployments.rollout import ObservedService, observe_services
from tests.app.deployments.orders import app_with, client_of, run_sql
from tests.factories import (
    make_deployment,
    make_workspace,
    plain_manifest,
    post_deploy,
    publish_tool,
)

SUMMARY = """
id tenantId tenantSlug toolId toolSlug toolName appId deploymentSlug deploymentName subdomain url status
healthStatus progress currentStep updateAvailable restartRequired vendoAuth isTest createdAt updatedAt
"""
DETAIL = """
errorStep errorMessage bundleVersion deployedTemplateVersion previousTemplateVersion latestTemplateVersion
computeProvider suspensionReason suspendedAt destroyAfter readyAt destroyedAt lastHealthCheckAt
autoUpdatePausedAt consecutiveFailures attempt services
"""
NO_IDS = ["me", "x", "dpl_", "dpl_" + "0" * 31, "0" * 32, "{" + "0" * 36 + "}", "dpl_" + "0" * 32]


def read(workspace, deployment_id) -> dict:
    answer = workspace.client.get(f"/api/deployments/{deployment_id}")
    assert answer.status_code == 200, answer.text
    assert list(answer.json) == ["deployment"]
    return answer.json["deployment"]


def change(platform, deployment_id, **columns) -> None:
    with platform.database.transaction() as session:
        row = session.get_one(Deployment, deployment_id)
        for name, value in columns.items():
            setattr(row, name, value)


@pytest.mark.parametrize("path", ["/api/deployments", "/api/deployments/dpl_" + "0" * 32])
def test_without_a_session_nothing_is_shown(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.json) == (401, {"message": "Unauthorized"})


def test_a_summary_has_the_fields_marked_so(workspace, platform, tool):
    make_deployment(platform, workspace, tool)
    (row,) = workspace.client.get("/api/deployments").json["deployments"]
    assert list(row) == SUMMARY.split()


def test_a_detail_has_every_field(platform, workspace, tool):
    row = read(workspace, make_deployment(platform, workspace, tool))
    assert set(row) == {*SUMMARY.split(), *DETAIL.split()}


def test_a_fresh_deployment_reads_as_it_is(platform, workspace, tool):
    answer = post_deploy(workspace, tool, deploymentSlug="crm", deploymentName="Help Desk")
    row = read(workspace, answer.json["deploymentId"])
    assert row["id"] == answer.json["deploymentId"]
    assert (row["tenantId"], row["tenantSlug"]) == (str(workspace.tenant_id), workspace.slug)
    assert (row["toolSlug"], row["toolName"]) == (tool, "Plain Tool")
    assert (row["deploymentSlug"], row["deploymentName"]) == ("crm", "Help Desk")
    assert row["subdomain"] == f"{workspace.slug}-crm"
    assert (row["status"], row["healthStatus"], row["progress"]) == ("pending", "unknown", 0)
    assert (row["currentStep"], row["errorStep"], row["errorMessage"]) == (None, None, None)
    assert (row["bundleVersion"], row["latestTemplateVersion"]) == (None, "1.0.0")
    assert (row["updateAvailable"], row["restartRequired"]) == (False, False)
    assert (row["vendoAuth"], row["isTest"]) == (True, False)
    assert (row["computeProvider"], row["attempt"], row["consecutiveFailures"]) == ("docker", 1, 0)
    assert row["services"] == []
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", row["createdAt"])


@pytest.mark.parametrize(
    ("routing", "url"),
    [("host", "http://{label}.localhost:8080"), ("path", "http://localhost:8080/d/{label}/")],
)
def test_the_url_follows_the_routing(app, platform, workspace, tool, routing, url):
    deployment_id = make_deployment(platform, workspace, tool, deploymentSlug="crm")
    with app_with(app, routing=routing) as routed:
        row = client_of(routed, workspace).get(f"/api/deployments/{deployment_id}").json["deployment"]
    assert row["url"] == url.format(label=f"{workspace.slug}-crm")


def test_what_a_workflow_wrote_is_shown(platform, workspace, tool):
    deployment_id = make_deployment(platform, workspace, tool, "failed")
    change(
        platform,
        deployment_id,
        progress=65,
        current_step="health_check_done",
        error_step="health_check_failed",
        error_message="not ready after 300 s",
        bundle_version="1.0.0",
        deployed_template_version="1.0.0",
        health_status="degraded",
        consecutive_failures=3,
        attempt=2,
    )
    row = read(workspace, deployment_id)
    assert (row["status"], row["progress"], row["currentStep"]) == ("failed", 65, "health_check_done")
    assert (row["errorStep"], row["errorMessage"]) == ("health_check_failed", "not ready after 300 s")
    assert (row["healthStatus"], row["consecutiveFailures"], row["attempt"]) == ("degraded", 3, 2)


def test_a_suspended_deployment_says_when_it_goes(platform, workspace, tool):
    deployment_id = make_deployment(platform, workspace, tool, "suspended")
    suspended = datetime(2026, 5, 20, 12, tzinfo=UTC)
    change(platform, deployment_id, suspended_at=suspended, suspension_reason="manual")
    row = read(workspace, deployment_id)
    assert (row["suspendedAt"], row["suspensionReason"]) == ("2026-05-20T12:00:00Z", "manual")
    assert row["destroyAfter"] == (suspended + timedelta(days=90)).isoformat().replace("+00:00", "Z")


def test_services_are_shown_in_their_order(platform, workspace, tool):
    deployment_id = make_deployment(platform, workspace, tool)
    started = datetime(2026, 5, 20, tzinfo=UTC)
    observed = [
        ObservedService("web", 1, "web", "running", "acme/web:1", None, "c" * 64, 2, started),
        ObservedService("migrate", 0, "init", "exited", "acme/web:1", None, "d" * 64, 0, None),
    ]
    with platform.database.transaction() as session:
        observe_services(session, deployment_id, observed)
    assert read(workspace, deployment_id)["services"] == [
        {
            "name": "migrate",
            "role": "init",
            "state": "exited",
            "image": "acme/web:1",
            "restarts": 0,
            "startedAt": None,
        },
        {
            "name": "web",
            "role": "web",
            "state": "running",
            "image": "acme/web:1",
            "restarts": 2,
            "startedAt": "2026-05-20T00:00:00Z",
        },
    ]


def test_a_newer_release_is_an_update(platform, workspace):
    manifest = plain_manifest()
    slug = publish_tool(platform, manifest)
    deployment_id = make_deployment(platform, workspace, slug)
    change(platform, deployment_id, deployed_template_version="1.0.0")
    assert read(workspace, deployment_id)["updateAvailable"] is False
    publish_tool(platform, {**manifest, "version": "1.0.10"})
    row = read(workspace, deployment_id)
    assert (row["updateAvailable"], row["latestTemplateVersion"]) == (True, "1.0.10")
    change(platform, deployment_id, deployed_template_version="1.0.10")
    assert read(workspace, deployment_id)["updateAvailable"] is False


def test_a_withdrawn_tool_still_reads(platform, workspace, publish):
    slug = publish()
    deployment_id = make_deployment(platform, workspace, slug)
    run_sql(
        platform,
        "UPDATE tool_releases SET status = 'inactive'"
        " WHERE tool_id = (SELECT id FROM apps_catalog WHERE slug = :slug)",
        slug=slug,
    )
    with platform.database.transaction() as session:
        tool_id = session.get_one(Deployment, deployment_id).tool_id
        assert find_active_release(session, tool_id) is None
    row = read(workspace, deployment_id)
    assert (row["latestTemplateVersion"], row["updateAvailable"]) == (None, False)


def test_no_view_shows_a_secret(platform, workspace, tool):
    variables = {"TOKEN": "hunter2-token"}
    deployment_id = make_deployment(
        platform,
        workspace,
        tool,
        userVariables=variables,
        adminPassword="hunter2",
        userInput={"a": "hunter2"},
    )
    for path in ("/api/deployments", f"/api/deployments/{deployment_id}"):
        assert "hunter2" not in workspace.client.get(path).text


@pytest.mark.parametrize(
    "form",
    [
        format_deployment_id,
        str,
        lambda found: format_deployment_id(found).upper(),
        lambda found: str(found).upper(),
        lambda found: "Dpl_" + found.hex.upper(),
    ],
)
def test_an_id_is_read_in_every_form(platform, workspace, tool, form):
    deployment_id = make_deployment(platform, workspace, tool)
    assert read(workspace, form(deployment_id))["id"] == format_deployment_id(deployment_id)


@pytest.mark.parametrize("text", NO_IDS)
def test_what_is_no_id_is_not_found(workspace, text):
    answer = workspace.client.get(f"/api/deployments/{text}")
    assert (answer.status_code, answer.json) == (404, {"message": "Not found"})


@pytest.mark.parametrize("is_admin", [False, True])
def test_a_strangers_deployment_is_not_found_by_admins_either(app, platform, workspace, tool, is_admin):
    deployment_id = make_deployment(platform, workspace, tool)
    stranger = make_workspace(app, platform, is_admin=is_admin)
    answer = stranger.client.get(f"/api/deployments/{deployment_id}")
    assert (answer.status_code, answer.json) == (404, {"message": "Not found"})
    assert stranger.client.get("/api/deployments").json["deployments"] == []


@pytest.mark.parametrize("path", ["/api/deployments", "/api/deployments/x"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_wrong_method_is_405(workspace, path, method):
    answer = workspace.client.open(path, method=method)
    assert (answer.status_code, answer.json) == (405, {"message": "Method not allowed"})
    assert "GET" in answer.headers["Allow"]
