"""deploy.md 3.2, `destroy`: from everything, again and again."""

import threading

import pytest
from sqlalchemy import select

from app.deployments.models import Deployment, DeploymentStatus
from app.deployments.naming import format_deployment_id
from app.deployments.operation_models import Operation
from app.deployments.operations import claim_operation
from tests.app.deployments.orders import client_of
from tests.factories import make_deployment, make_workspace, post_deploy


@pytest.fixture
def running(platform, workspace, tool):
    return make_deployment(platform, workspace, tool, deploymentSlug="crm")


def destroy(workspace, deployment_id, **body):
    return workspace.client.post(f"/api/deployments/{deployment_id}/destroy", json=body)


def operations(platform, deployment_id) -> list[tuple[str, str]]:
    """Kind and status of every operation, oldest first."""
    with platform.database.transaction() as session:
        statement = select(Operation.kind, Operation.status).where(Operation.deployment_id == deployment_id)
        return [(kind, status) for kind, status in session.execute(statement.order_by(Operation.created_at))]


def status_of(platform, deployment_id) -> str:
    with platform.database.transaction() as session:
        return session.get_one(Deployment, deployment_id).status


def test_a_destroy_is_accepted(platform, workspace, running):
    answer = destroy(workspace, running)
    body = {"ok": True, "deploymentId": format_deployment_id(running), "status": "destroying"}
    assert (answer.status_code, answer.json) == (202, body)
    assert status_of(platform, running) == "destroying"
    assert operations(platform, running)[-1] == ("teardown", "queued")


def test_the_worker_is_rung(platform, workspace, running):
    assert platform.redis.llen("deploys") == 0
    destroy(workspace, running)
    assert platform.redis.llen("deploys") > 0


@pytest.mark.parametrize("status", [item for item in DeploymentStatus if item != DeploymentStatus.DESTROYED])
def test_every_status_may_be_destroyed(platform, workspace, tool, status):
    deployment_id = make_deployment(platform, workspace, tool, status)
    assert destroy(workspace, deployment_id).status_code == 202
    assert status_of(platform, deployment_id) == "destroying"


def test_what_is_destroyed_stays_so(platform, workspace, tool):
    gone = make_deployment(platform, workspace, tool, "destroyed")
    before = operations(platform, gone)
    answer = destroy(workspace, gone)
    body = {"ok": True, "deploymentId": format_deployment_id(gone), "status": "destroyed"}
    assert (answer.status_code, answer.json) == (200, body)
    assert operations(platform, gone) == before


def test_destroying_again_runs_again(platform, workspace, running):
    for _ in range(2):
        assert destroy(workspace, running).status_code == 202
    assert operations(platform, running)[-2:] == [("teardown", "superseded"), ("teardown", "queued")]


def test_a_waiting_deploy_is_superseded(platform, workspace, tool):
    deployment_id = post_deploy(workspace, tool).json["deploymentId"]
    assert destroy(workspace, deployment_id).status_code == 202
    with platform.database.transaction() as session:
        owner = select(Deployment.id).where(Deployment.tenant_id == workspace.tenant_id)
        found = session.scalars(owner).one()
    assert operations(platform, found) == [("deploy", "superseded"), ("teardown", "queued")]


def test_a_running_deploy_loses_its_fence(platform, workspace, tool):
    deployment_id = post_deploy(workspace, tool).json["deploymentId"]
    with platform.database.transaction() as session:
        operation_id = session.scalars(select(Operation.id).where(Operation.finished_at.is_(None))).one()
        claim = claim_operation(session, operation_id, "worker-1", 60)
    assert destroy(workspace, deployment_id).status_code == 202
    with platform.database.transaction() as session:
        row = session.get_one(Operation, operation_id)
    assert (row.status, row.lease_owner) == ("superseded", None)
    assert row.fence > claim.fence


def test_an_old_error_is_forgotten(platform, workspace, tool):
    failed = make_deployment(platform, workspace, tool, "failed")
    with platform.database.transaction() as session:
        row = session.get_one(Deployment, failed)
        row.error_step, row.error_message = "deploy_compute", "no such image"
    destroy(workspace, failed)
    with platform.database.transaction() as session:
        row = session.get_one(Deployment, failed)
    assert (row.error_step, row.error_message) == (None, None)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"confirm": "crm"}', b'{"other": 1}'])
def test_a_body_is_optional(workspace, running, body):
    path = f"/api/deployments/{running}/destroy"
    assert workspace.client.post(path, data=body).status_code == 202


@pytest.mark.parametrize("confirm", ["erp", "", "CRM", " crm", "crm "])
def test_a_wrong_confirmation_is_a_mismatch(platform, workspace, running, confirm):
    answer = destroy(workspace, running, confirm=confirm)
    assert (answer.status_code, answer.json["code"]) == (400, "CONFIRMATION_MISMATCH")
    assert status_of(platform, running) == "running"


@pytest.mark.parametrize("body", [b"[]", b"x", b'"x"', b"null", b"confirm=crm"])
def test_a_body_that_is_no_object_is_refused(platform, workspace, running, body):
    answer = workspace.client.post(f"/api/deployments/{running}/destroy", data=body)
    assert (answer.status_code, answer.json) == (400, {"message": "Invalid request body", "errors": {}})
    assert status_of(platform, running) == "running"


@pytest.mark.parametrize("confirm", [1, True, [], {}, "\x00"])
def test_a_confirmation_of_another_type_is_blamed(workspace, running, confirm):
    answer = destroy(workspace, running, confirm=confirm)
    assert (answer.status_code, list(answer.json["errors"])) == (400, ["confirm"])


def test_a_body_over_the_limit_is_too_large(platform, workspace, running):
    body = b'{"confirm": "crm", "padding": "' + b"x" * 1024 * 1024 + b'"}'
    answer = workspace.client.post(f"/api/deployments/{running}/destroy", data=body)
    assert (answer.status_code, answer.json) == (413, {"message": "Request body too large"})
    assert status_of(platform, running) == "running"


def test_without_a_session_nothing_happens(client, platform, running):
    answer = client.post(f"/api/deployments/{running}/destroy", json={})
    assert (answer.status_code, answer.json) == (401, {"message": "Unauthorized"})
    assert status_of(platform, running) == "running"


@pytest.mark.parametrize("is_admin", [False, True])
def test_a_stranger_finds_nothing_to_destroy(app, platform, running, is_admin):
    stranger = make_workspace(app, platform, is_admin=is_admin)
    answer = destroy(stranger, running, confirm=7)
    assert (answer.status_code, answer.json) == (404, {"message": "Not found"})
    assert status_of(platform, running) == "running"


def test_a_foreign_origin_is_refused_before_the_id_is_looked_at(workspace, running):
    headers = {"Origin": "https://evil.example"}
    for found in (running, "nothing"):
        answer = workspace.client.post(f"/api/deployments/{found}/destroy", headers=headers)
        assert (answer.status_code, answer.json) == (403, {"message": "Origin not allowed"})


def test_simultaneous_destroys_leave_one_teardown_waiting(app, platform, workspace, running):
    statuses = []
    clients = [client_of(app, workspace) for _ in range(8)]

    def run(client) -> None:
        statuses.append(client.post(f"/api/deployments/{running}/destroy").status_code)

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert statuses == [202] * 8
    waiting = [kind for kind, status in operations(platform, running) if status == "queued"]
    assert waiting == ["teardown"]
