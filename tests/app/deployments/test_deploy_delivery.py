"""deploy.md 1.6, WORKER_UNREACHABLE: accepted only where somebody will pick it up."""

import dataclasses
from collections.abc import Sequence

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.connections.models import App, Binding, Connection, Profile
from app.core.queue import Queue
from app.deployments.models import Deployment, DeploymentCredential, DeploymentEnvVar
from app.deployments.naming import parse_deployment_id
from app.deployments.operation_models import Operation
from app.deployments.operations import claim_operation
from app.deployments.sweeping import report_alive
from tests.app.deployments.orders import app_with, client_of, make_connection, run_sql
from tests.factories import make_deployment, post_deploy


@pytest.fixture
def post(brokerless, workspace, tool):
    client = client_of(brokerless, workspace)

    def run(headers=None, **changes):
        order = {"toolSlug": tool, "tenantSlug": workspace.slug, "deploymentSlug": "crm", **changes}
        return client.post("/api/deploy", json=order, headers=headers or {})

    return run


def sweep(platform, minutes_ago: float = 0) -> None:
    """A worker reported that long ago."""
    with platform.database.transaction() as session:
        report_alive(session, "worker-1")
    run_sql(
        platform,
        "UPDATE worker_heartbeats SET seen_at = clock_timestamp() - make_interval(secs => :age)",
        age=minutes_ago * 60,
    )


def stored(platform, workspace) -> dict[str, int]:
    """How many rows of each kind the tenant has."""
    with platform.database.transaction() as session:
        found: dict[str, Sequence[object]] = {}
        for model in (App, Connection, Deployment):
            found[model.__tablename__] = session.scalars(
                select(model.id).where(model.tenant_id == workspace.tenant_id)
            ).all()
        owned = found["deployments"]
        for model in (DeploymentEnvVar, DeploymentCredential, Operation):
            statement = select(model).where(model.deployment_id.in_(owned))
            found[model.__tablename__] = session.scalars(statement).all()
        found["bindings"] = session.scalars(select(Binding).where(Binding.app_id.in_(found["apps"]))).all()
    return {name: len(rows) for name, rows in found.items() if rows}


RICH = {"userVariables": {"TOKEN": "x"}, "adminPassword": "s3cret", "bindings": ["openai", "openrouter"]}


def test_without_broker_and_worker_the_deploy_is_refused(post):
    answer = post()
    assert answer.status_code == 502
    assert answer.json["code"] == "WORKER_UNREACHABLE"
    assert set(answer.json) == {"message", "code", "detail"}
    assert "redis://" not in answer.text


def test_a_refused_deploy_leaves_no_row(platform, workspace, post):
    assert post(**RICH).status_code == 502
    assert stored(platform, workspace) == {}


def test_a_refused_deploy_keeps_what_was_there_before(platform, workspace, post):
    notion = make_connection(platform, workspace.tenant_id, "notion")
    before = stored(platform, workspace)
    assert post(**RICH, selectedBindings={"notion": str(notion)}).status_code == 502
    assert stored(platform, workspace) == before == {"connections": 1}


def test_a_pool_connection_of_another_deployment_stays(platform, workspace, tool, post):
    assert post_deploy(workspace, tool, deploymentSlug="erp", bindings=["openai"]).status_code == 201
    before = stored(platform, workspace)
    assert post(**RICH).status_code == 502
    assert stored(platform, workspace) == before
    assert before["connections"] == 1


def test_the_slug_works_again(workspace, tool, post):
    assert post().status_code == 502
    assert post_deploy(workspace, tool, deploymentSlug="crm").status_code == 201


def test_the_key_works_again(workspace, tool, post):
    headers = {"Idempotency-Key": "launch-1"}
    assert [post(headers).status_code for _ in range(2)] == [502, 502]
    answer = post_deploy(workspace, tool, headers=headers, deploymentSlug="other-body")
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers


def test_an_exclusive_connection_is_free_again(platform, workspace, tool, post):
    bot = make_connection(platform, workspace.tenant_id, "telegram", Profile.BYOK_STATIC)
    chosen = {"selectedBindings": {"telegram": str(bot)}}
    assert post(**chosen).status_code == 502
    assert post_deploy(workspace, tool, **chosen).status_code == 201


@pytest.mark.parametrize(("minutes_ago", "status"), [(0, 201), (1.9, 201), (2.1, 502), (600, 502)])
def test_a_worker_that_reported_lately_is_enough(platform, post, minutes_ago, status):
    sweep(platform, minutes_ago)
    assert post().status_code == status


def test_an_accepted_deploy_waits_for_the_sweeper(platform, post):
    sweep(platform)
    deployment_id = parse_deployment_id(post().json["deploymentId"])
    with platform.database.transaction() as session:
        operation = session.scalars(select(Operation).where(Operation.deployment_id == deployment_id)).one()
    assert (operation.status, operation.attempts) == ("queued", 0)


def test_a_living_broker_is_enough(workspace, tool):
    assert post_deploy(workspace, tool).status_code == 201


class ClaimingQueue(Queue):
    """Its bell fails, yet a worker found the row by itself at that very moment."""

    def __init__(self, platform) -> None:
        self._platform = platform

    def ring(self, task: str, *ids: str) -> bool:
        with self._platform.database.transaction() as session:
            assert claim_operation(session, ids[0], "worker-1", 20)
        return False


def test_a_deploy_that_a_worker_has_claimed_is_never_taken_back(app, platform, workspace, tool):
    with app_with(app) as cut:
        cut.extensions["berth"] = dataclasses.replace(cut.extensions["berth"], queue=ClaimingQueue(platform))
        order = {"toolSlug": tool, "tenantSlug": workspace.slug}
        answer = client_of(cut, workspace).post("/api/deploy", json=order)
    assert answer.status_code == 201
    assert stored(platform, workspace)["operations"] == 1


@pytest.fixture
def put_away(brokerless, platform, workspace, tool):
    """Destroy a running deployment while the broker is gone; the answer and the status that is left."""

    def run() -> tuple[TestResponse, str]:
        deployment_id = make_deployment(platform, workspace, tool)
        answer = client_of(brokerless, workspace).post(f"/api/deployments/{deployment_id}/destroy")
        with platform.database.transaction() as session:
            return answer, session.get_one(Deployment, deployment_id).status

    return run


def test_a_destroy_that_nobody_would_run_changes_nothing(put_away):
    answer, status = put_away()
    assert (answer.status_code, answer.json["code"], status) == (502, "WORKER_UNREACHABLE", "running")


def test_a_destroy_waits_for_a_worker_that_lives(platform, put_away):
    sweep(platform)
    answer, status = put_away()
    assert (answer.status_code, status) == (202, "destroying")
