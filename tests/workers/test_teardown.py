"""The undo of a deploy, which may run any number of times."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from app.deployments.log_models import DeployLog
from app.deployments.models import (
    Deployment,
    DeploymentCredential,
    DeploymentEnvVar,
    HostPort,
    NetworkSubnet,
    Route,
)
from app.deployments.service import request_destroy
from app.identity.keys import list_app_keys
from deploy_runner.errors import StepError
from tests.fakes.engine import FakeEngine
from tests.workers.conftest import Job
from workers.workflows.context import WorkflowContext
from workers.workflows.teardown import TEARDOWN

Accept = Callable[..., Job]
OWNED = (NetworkSubnet, HostPort, Route, DeploymentEnvVar, DeploymentCredential)
VOLUME = [
    {
        "name": "web",
        "role": "web",
        "image": "registry.example.com/acme/tool:1.0.0",
        "volumes": [{"mountPath": "/data"}],
    }
]


@pytest.fixture
def running(accept: Accept) -> Job:
    job = accept(services=VOLUME)
    job.run()
    assert job.deployment().status == "running", job.deployment().error_message
    return job


def destroy(job: Job) -> None:
    with job.runtime.platform.database.transaction() as session:
        request_destroy(session, session.get_one(Deployment, job.deployment_id))


def count_rows(job: Job) -> dict[str, int]:
    with job.runtime.platform.database.session() as session:
        return {
            table.__tablename__: session.execute(
                select(func.count()).where(table.deployment_id == job.deployment_id)
            ).scalar_one()
            for table in (*OWNED, DeployLog)
        }


def live_keys(job: Job) -> int:
    app_id = job.deployment().authorization_id
    assert app_id is not None
    with job.runtime.platform.database.session() as session:
        return len(list_app_keys(session, app_id))


def test_nothing_is_left_on_the_engine_or_in_the_rows(running: Job, engine: FakeEngine) -> None:
    assert all(count_rows(running).values())
    assert (live_keys(running), len(engine.states), len(engine.volumes)) == (1, 1, 1)
    destroy(running)
    running.run()
    assert running.deployment().status == "destroyed"
    assert set(count_rows(running).values()) == {0}
    assert live_keys(running) == 0
    assert (engine.states, engine.networks, engine.volumes) == ({}, {}, {})


def test_every_phase_may_be_done_twice(running: Job, engine: FakeEngine) -> None:
    destroy(running)
    claim = running.claim()
    assert claim is not None
    context = WorkflowContext.open(running.runtime, claim, TEARDOWN)
    for phase in TEARDOWN.phases:
        phase.do(context)
        phase.do(context)
    TEARDOWN.end_well(context)
    assert running.deployment().status == "destroyed"
    assert engine.calls["remove_container"] == engine.calls["remove_network"] == 1


def test_a_deployment_that_made_nothing_is_destroyed_too(accept: Accept) -> None:
    job = accept()
    destroy(job)
    job.run()
    assert job.deployment().status == "destroyed"


def test_a_teardown_that_is_stuck_says_so_and_goes_through_when_asked_again(
    running: Job, engine: FakeEngine
) -> None:
    destroy(running)
    engine.troubles["remove_network"] = [StepError("The network is in use.")]
    running.run()
    stuck = running.deployment()
    assert (stuck.status, stuck.error_step) == ("destroying", "teardown_compute")
    assert stuck.error_message == "The network is in use."
    destroy(running)
    running.run()
    assert running.deployment().status == "destroyed"
