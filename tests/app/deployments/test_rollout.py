"""What a workflow changes in the rows of its deployment: each decision may be taken again."""

import dataclasses

import pytest
from sqlalchemy import select

from app.catalog.models import ToolTemplate
from app.connections.models import Binding
from app.core.errors import InvalidError
from app.deployments.addresses import find_port, find_subnet, take_port, take_subnet
from app.deployments.credentials import read_credentials
from app.deployments.env import read_env
from app.deployments.log_models import DeployLog
from app.deployments.logs import DeployLine, LogOwner, append_deploy_logs
from app.deployments.models import DeploymentStatus, DeploymentVersion
from app.deployments.naming import parse_deployment_id
from app.deployments.operation_models import Operation
from app.deployments.rollout import (
    begin_workflow,
    collect_secrets,
    get_parties,
    list_secret_values,
    mark_failed,
    mark_running,
    snapshot_template,
    store_version,
)
from app.deployments.teardown import (
    disconnect_app,
    mark_destroyed,
    release_addresses,
    revoke_keys,
    wipe_credentials,
)
from app.identity.keys import find_live_key, list_app_keys, revoke_key
from tests.app.deployments.orders import make_connection
from tests.factories import plain_manifest, post_deploy, publish_tool, unique

SECRETS = {"app_secret": {"type": "random_hex", "length": 32}}


@pytest.fixture
def accepted(platform, session, workspace):
    """The parties of a fresh deploy, in the test's own transaction."""

    def run(body=None, **changes):
        answer = post_deploy(workspace, publish_tool(platform, plain_manifest(**changes)), **(body or {}))
        assert answer.status_code == 201, answer.text
        found = parse_deployment_id(answer.json["deploymentId"])
        operation_id = session.scalars(select(Operation.id).where(Operation.deployment_id == found)).one()
        return get_parties(session, operation_id)

    return run


@pytest.fixture
def collected(accepted, session, platform):
    def run(body=None, **changes):
        parties = accepted(body, **changes)
        snapshot_template(session, parties)
        collect_secrets(session, platform, parties)
        return parties

    return run


def app_key(session, platform, parties) -> str:
    rows = read_env(session, platform.cipher, parties.deployment.id)
    return next(row.value for row in rows if row.key == "VENDO_API_KEY")


def test_the_parties_belong_together(accepted, workspace):
    parties = accepted()
    assert (parties.tenant.id, parties.target_version) == (workspace.tenant_id, "1.0.0")
    assert (parties.deployment.tenant_id, parties.deployment.tool_id) == (
        workspace.tenant_id,
        parties.tool.id,
    )


def test_a_snapshot_pins_the_accepted_version(accepted, platform, session):
    manifest = plain_manifest(slug=unique("tool"))
    parties = accepted(**manifest)
    publish_tool(platform, {**manifest, "version": "2.0.0", "name": "Newer"})
    assert [snapshot_template(session, parties) for _ in range(2)] == ["1.0.0", "1.0.0"]
    deployment = parties.deployment
    assert (deployment.bundle_version, deployment.deployed_template_version) == ("1.0.0", "1.0.0")
    assert deployment.manifest["version"] == "1.0.0"
    assert deployment.manifest["readiness"]["maxRetries"] == 30


def test_a_damaged_template_is_refused_with_every_problem(accepted, session):
    parties = accepted()
    damaged = {"slug": parties.tool.slug, "name": "Damaged", "version": "0.9.0", "services": []}
    session.add(ToolTemplate(slug=parties.tool.slug, version="0.9.0", manifest=damaged, sha256="x"))
    with pytest.raises(InvalidError) as caught:
        snapshot_template(session, dataclasses.replace(parties, target_version="0.9.0"))
    assert "readiness" in str(caught.value)
    assert "integrations" in str(caught.value)


def test_secrets_are_made_once(accepted, platform, session):
    parties = accepted(
        secrets=SECRETS,
        databases=[{"name": "main", "type": "postgresql"}],
        adminBootstrap={"authMode": "manual_setup"},
    )
    snapshot_template(session, parties)
    assert collect_secrets(session, platform, parties) == 5
    first = read_credentials(session, platform.cipher, parties.deployment.id)
    key = app_key(session, platform, parties)
    assert collect_secrets(session, platform, parties) == 0
    assert read_credentials(session, platform.cipher, parties.deployment.id) == first
    assert app_key(session, platform, parties) == key
    assert len(list_app_keys(session, parties.deployment.authorization_id)) == 1


def test_a_given_admin_password_is_kept(collected, platform, session):
    parties = collected({"adminPassword": "s3cret"}, adminBootstrap={"authMode": "manual_setup"})
    assert read_credentials(session, platform.cipher, parties.deployment.id)["admin_password"] == "s3cret"


def test_the_app_key_is_the_apps_and_lives(collected, platform, session):
    parties = collected()
    row = find_live_key(session, app_key(session, platform, parties))
    assert (row.app_id, row.tenant_id) == (parties.deployment.authorization_id, parties.tenant.id)
    assert row.scope_mode == "app"


def test_a_revoked_app_key_is_replaced(collected, platform, session):
    parties = collected()
    old = app_key(session, platform, parties)
    revoke_key(session, platform.cache, find_live_key(session, old))
    assert collect_secrets(session, platform, parties) == 1
    fresh = app_key(session, platform, parties)
    assert fresh != old
    assert find_live_key(session, old) is None
    assert find_live_key(session, fresh) is not None


@pytest.mark.parametrize("status", ["revoked", "needs_reauth", "error"])
def test_a_connection_that_broke_meanwhile_is_named(accepted, platform, session, workspace, status):
    notion = make_connection(platform, workspace.tenant_id, "notion")
    parties = accepted({"selectedBindings": {"notion": str(notion)}})
    snapshot_template(session, parties)
    session.connection().exec_driver_sql(
        "UPDATE connections SET status = %s WHERE id = %s", (status, str(notion))
    )
    with pytest.raises(InvalidError, match="notion"):
        collect_secrets(session, platform, parties)


def test_every_secret_is_kept_from_the_logs(collected, platform, session):
    parties = collected(
        {"userVariables": {"HIDDEN": "hunter2", "OPEN": "plain"}},
        secrets=SECRETS,
        userInputs=[{"key": "HIDDEN", "visibility": "secret"}, {"key": "OPEN"}],
    )
    known = list_secret_values(session, platform, parties.deployment.id)
    stored = read_credentials(session, platform.cipher, parties.deployment.id)
    assert {*stored.values(), app_key(session, platform, parties), "hunter2"} == set(known)


def test_a_workflow_begins_once(accepted, session):
    deployment = accepted().deployment
    mark_failed(deployment, "deploy_compute", "no such image")
    deployment.progress = 30
    begin_workflow(deployment, DeploymentStatus.DEPLOYING, "validate_template")
    assert (deployment.status, deployment.progress, deployment.error_step) == ("deploying", 0, None)
    deployment.progress = 50
    begin_workflow(deployment, DeploymentStatus.DEPLOYING, "deploy_compute")
    assert (deployment.progress, deployment.current_step) == (50, "deploy_compute")


def test_a_ready_deployment_runs_and_keeps_its_first_ready_time(accepted):
    deployment = accepted().deployment
    mark_running(deployment)
    first = deployment.ready_at
    assert (deployment.status, deployment.health_status, deployment.progress) == ("running", "healthy", 100)
    mark_running(deployment)
    assert deployment.ready_at == first


def test_a_failure_leaves_progress_where_it_stopped(accepted):
    deployment = accepted().deployment
    deployment.progress = 65
    mark_failed(deployment, "health_check_failed", "not ready after 300 s")
    assert (deployment.status, deployment.progress) == ("failed", 65)
    assert (deployment.error_step, deployment.error_message) == (
        "health_check_failed",
        "not ready after 300 s",
    )


def test_a_version_is_stored_once(collected, session):
    deployment = collected().deployment
    for images in ({"web": "sha256:1"}, {"web": "sha256:2"}):
        store_version(session, deployment, images)
    assert session.get_one(DeploymentVersion, (deployment.id, "1.0.0")).image_ids == {"web": "sha256:1"}


def test_a_teardown_leaves_the_row_and_nothing_else(collected, platform, session):
    parties = collected({"bindings": ["openai"]}, secrets=SECRETS)
    deployment = parties.deployment
    key = app_key(session, platform, parties)
    append_deploy_logs(session, LogOwner(deployment.id, 1, "deploy"), [DeployLine("step", "text")])
    assert take_subnet(session, deployment.id, f"10.224.{len(key)}.0/28")
    assert take_port(session, deployment.id, "web", 1, 29_999)
    # Twice, for a teardown may be run again from its beginning.
    for revoked in (1, 0):
        release_addresses(session, deployment)
        assert revoke_keys(session, platform.cache, deployment) == revoked
        wipe_credentials(session, deployment)
        disconnect_app(session, deployment)
        mark_destroyed(session, deployment)
    session.flush()
    assert (deployment.status, deployment.progress) == ("destroyed", 100)
    assert deployment.destroyed_at is not None
    assert find_live_key(session, key) is None
    assert read_env(session, platform.cipher, deployment.id) == []
    assert read_credentials(session, platform.cipher, deployment.id) == {}
    assert find_subnet(session, deployment.id) is None
    assert find_port(session, deployment.id, "web", 1) is None
    bound = select(Binding).where(Binding.app_id == deployment.authorization_id)
    assert session.scalars(bound).all() == []
    assert session.scalars(select(DeployLog).where(DeployLog.deployment_id == deployment.id)).all() == []
