import json
import re
from uuid import UUID

import pytest
from sqlalchemy import select

from app.connections.models import App
from app.deployments.credentials import read_credentials
from app.deployments.env import read_env
from app.deployments.models import Deployment, DeploymentCredential, DeploymentEnvVar, EnvKind
from app.deployments.naming import parse_deployment_id
from app.deployments.operation_models import Operation
from tests.factories import make_workspace, post_deploy, unique


@pytest.fixture
def accept(platform, workspace, tool):
    """Deploy and return the stored deployment."""

    def run(tool_slug=None, **body) -> Deployment:
        answer = post_deploy(workspace, tool_slug or tool, **body)
        assert answer.status_code == 201, answer.text
        with platform.database.transaction() as session:
            return session.get_one(Deployment, parse_deployment_id(answer.json["deploymentId"]))

    return run


def variables(platform, deployment) -> dict[str, str]:
    with platform.database.transaction() as session:
        rows = read_env(session, platform.cipher, deployment.id)
    assert {row.kind for row in rows} <= {EnvKind.USER}
    return {row.key: row.value for row in rows}


def test_the_answer_is_the_id_and_nothing_else(workspace, tool):
    answer = post_deploy(workspace, tool)
    assert answer.status_code == 201
    assert list(answer.json) == ["deploymentId"]
    assert re.fullmatch(r"dpl_[0-9a-f]{32}", answer.json["deploymentId"])
    assert answer.content_type == "application/json"
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]
    assert "Idempotency-Replayed" not in answer.headers


def test_a_deployment_waits_for_its_worker(accept, platform, workspace):
    row = accept()
    assert (row.status, row.progress, row.attempt, row.health_status) == ("pending", 0, 1, "unknown")
    assert (row.tenant_id, row.created_by_user_id) == (workspace.tenant_id, workspace.user_id)
    assert (row.compute_provider, row.is_test, row.manifest) == ("docker", False, None)


def test_one_operation_waits_with_the_release_that_was_active(accept, platform):
    row = accept()
    with platform.database.transaction() as session:
        operation = session.scalars(select(Operation).where(Operation.deployment_id == row.id)).one()
    assert (operation.kind, operation.status, operation.target_version) == ("deploy", "queued", "1.0.0")
    assert (operation.fence, operation.attempts, operation.lease_owner) == (0, 0, None)


def test_the_worker_is_rung_with_the_operation(accept, platform):
    platform.redis.delete("deploys")
    row = accept()
    with platform.database.transaction() as session:
        operation = session.scalars(select(Operation).where(Operation.deployment_id == row.id)).one()
    (message,) = platform.redis.lrange("deploys", 0, -1)
    assert json.loads(message)["headers"]["argsrepr"] == f"['{operation.id}']"


def test_an_app_of_its_own_belongs_to_the_tenant(accept, platform, workspace):
    row = accept()
    with platform.database.transaction() as session:
        app = session.get_one(App, row.authorization_id)
    assert (app.tenant_id, app.kind, app.tool_id) == (workspace.tenant_id, "deployment", row.tool_id)
    assert accept(deploymentSlug="second").authorization_id != app.id


def test_slug_and_name_default_to_the_tool(accept, publish, workspace):
    slug = publish(slug=unique("acme-crm-"), name="Acme CRM")
    row = accept(slug)
    assert row.deployment_slug == slug.replace("-", "")
    assert row.deployment_name == "Acme CRM"
    assert row.subdomain == f"{workspace.slug}-{row.deployment_slug}"


def test_a_default_slug_is_cut_so_that_the_label_fits(accept, publish, workspace):
    slug = publish(slug=unique("t" * 55))
    row = accept(slug)
    assert row.deployment_slug == slug[: 63 - len(workspace.slug) - 1]
    assert len(row.subdomain) == 63


def test_slug_and_name_are_trimmed(accept):
    row = accept(deploymentSlug="  support-bot ", deploymentName="\t Help Desk \n")
    assert (row.deployment_slug, row.deployment_name) == ("support-bot", "Help Desk")


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_blank_slug_and_name_count_as_omitted(accept, tool, blank):
    row = accept(deploymentSlug=blank, deploymentName=blank)
    assert (row.deployment_slug, row.deployment_name) == (tool, "Plain Tool")


def test_values_are_stored_as_text(accept, platform):
    values = {"TEXT": " as it is ", "YES": True, "NO": False, "WHOLE": 7, "BIG": 10**30, "ROUND": 1.0}
    row = accept(userVariables={**values, "SMALL": 1e-7, "LARGE": 1e21, "NEGATIVE": -2.5, "EMPTY": ""})
    assert variables(platform, row) == {
        "TEXT": " as it is ",
        "YES": "true",
        "NO": "false",
        "WHOLE": "7",
        "BIG": str(10**30),
        "ROUND": "1",
        "SMALL": "0.0000001",
        "LARGE": "1000000000000000000000",
        "NEGATIVE": "-2.5",
        "EMPTY": "",
    }


def test_a_variable_without_an_input_is_kept(accept, platform):
    assert variables(platform, accept(userVariables={"SURPRISE": "x"})) == {"SURPRISE": "x"}


def test_secret_inputs_are_marked(accept, platform, publish):
    inputs = [
        {"key": "OPEN"},
        {"key": "HIDDEN", "visibility": "secret"},
        {"key": "TYPED", "inputType": "password"},
    ]
    row = accept(publish(userInputs=inputs), userVariables={"OPEN": "1", "HIDDEN": "2", "TYPED": "3"})
    with platform.database.transaction() as session:
        marked = {item.key: item.is_secret for item in read_env(session, platform.cipher, row.id)}
    assert marked == {"OPEN": False, "HIDDEN": True, "TYPED": True}


def test_stored_values_are_sealed(accept, platform):
    row = accept(userVariables={"TOKEN": "hunter2-value"}, adminPassword="hunter2-password")
    with platform.database.transaction() as session:
        for table in (DeploymentEnvVar, DeploymentCredential):
            stored = session.scalars(select(table).where(table.deployment_id == row.id)).one()
            assert b"hunter2" not in bytes(stored.encrypted_value)


@pytest.mark.parametrize(
    ("sent", "stored"), [("s3cret", "s3cret"), (" pad ", " pad "), ("", None), (" ", None)]
)
def test_an_admin_password_is_kept_unless_blank(accept, platform, sent, stored):
    row = accept(adminPassword=sent)
    with platform.database.transaction() as session:
        kept = read_credentials(session, platform.cipher, row.id)
    assert kept == ({} if stored is None else {"admin_password": stored})


def test_the_admin_email_is_the_callers_unless_given(accept, workspace):
    assert accept(deploymentSlug="one").admin_email == workspace.email
    given = accept(deploymentSlug="two", userVariables={"ADMIN_EMAIL": "boss@acme.example"})
    assert given.admin_email == "boss@acme.example"


def test_the_free_input_is_stored_as_it_is(accept):
    sent = {"deep": {"list": [1, "two", None, True, 1.5]}, "ключ": "значение 🚀"}
    assert accept(userInput=sent).user_input == sent


def test_unknown_keys_are_dropped(accept):
    assert accept(favouriteColour="red", __proto__={"x": 1}).status == "pending"


def test_a_body_needs_no_media_type(workspace, tool):
    body = json.dumps({"toolSlug": tool, "tenantSlug": workspace.slug})
    assert workspace.client.post("/api/deploy", data=body).status_code == 201
    again = workspace.client.post("/api/deploy", data=body, content_type="text/plain")
    assert (again.status_code, again.json["code"]) == (409, "SLUG_TAKEN")


def test_the_last_of_two_equal_keys_counts(accept, workspace, tool):
    body = f'{{"toolSlug": "nope", "toolSlug": "{tool}", "tenantSlug": "{workspace.slug}"}}'
    assert workspace.client.post("/api/deploy", data=body).status_code == 201


def test_a_test_workspace_makes_test_deployments(accept, platform, workspace):
    with platform.database.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE tenants SET is_test = true WHERE id = '{workspace.tenant_id}'")
    assert accept().is_test is True


def test_the_manifest_decides_on_auth_and_engine(accept, publish):
    row = accept(publish(vendoAuth=False, computeProvider="swarm"))
    assert (row.vendo_auth, row.compute_provider) == (False, "swarm")


def test_the_sdk_prefix_twice_still_deploys(app, platform, tool):
    workspace = make_workspace(app, platform)
    order = {"toolSlug": tool, "tenantSlug": workspace.slug}
    answer = workspace.client.post("/api/api/deploy", json=order)
    assert answer.status_code == 201
    assert UUID(answer.json["deploymentId"].removeprefix("dpl_"))
