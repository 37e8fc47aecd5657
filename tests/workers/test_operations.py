"""What a worker does with a claimed operation."""

import threading
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from app.deployments.log_models import DeployLog
from app.deployments.models import Deployment
from app.deployments.operation_models import Operation, OperationPhase
from app.deployments.rollout import list_secret_values
from app.deployments.service import request_destroy
from app.identity.keys import list_app_keys
from deploy_runner.errors import StepError
from tests.fakes.engine import FakeEngine
from tests.workers.conftest import Job
from workers.runtime import Runtime

Accept = Callable[..., Job]
AWAY = "The container engine does not answer."


def away() -> StepError:
    return StepError(AWAY, permanent=False)


def messages(job: Job, step: str) -> list[str]:
    chosen = select(DeployLog.message).where(DeployLog.deployment_id == job.deployment_id)
    with job.runtime.platform.database.session() as session:
        return list(session.execute(chosen.where(DeployLog.step == step)).scalars())


def test_a_claimed_deploy_ends_running(accept: Accept, engine: FakeEngine) -> None:
    job = accept()
    job.run()
    assert job.deployment().status == "running", job.deployment().error_message
    assert (job.operation().status, job.operation().attempts) == ("succeeded", 1)
    assert engine.calls["launch"] == 1


def test_a_second_worker_cannot_claim_what_is_held(accept: Accept) -> None:
    job = accept()
    with_lease = job.claim("worker-1")
    assert with_lease is not None
    assert with_lease.fence == 1
    assert job.claim("worker-2") is None


def test_a_lapsed_lease_is_claimed_with_a_higher_fence(accept: Accept) -> None:
    job = accept()
    job.claim("worker-1", lease_seconds=0)
    taken = job.claim("worker-2")
    assert taken is not None
    assert (taken.fence, taken.attempts, taken.owner) == (2, 2, "worker-2")


def test_eight_workers_at_once_make_one_claim(accept: Accept) -> None:
    job, start = accept(), threading.Barrier(8)
    claims = []

    def try_once(name: str) -> None:
        start.wait()
        claims.append(job.claim(name))

    threads = [threading.Thread(target=try_once, args=(f"worker-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([claim for claim in claims if claim]) == 1


def test_a_passing_trouble_is_given_back_and_tried_again(accept: Accept, engine: FakeEngine) -> None:
    job = accept()
    engine.troubles["ensure_network"] = [away()]
    job.run()
    given_back = job.operation()
    assert (given_back.finished_at, given_back.lease_owner) == (None, None)
    assert job.deployment().status == "deploying"
    assert messages(job, "deploy_compute")[-1] == f"{AWAY} It will be tried again."
    job.run()
    assert (job.deployment().status, job.operation().attempts) == ("running", 2)


def test_a_trouble_that_does_not_pass_exhausts_the_operation(accept: Accept, engine: FakeEngine) -> None:
    job = accept()
    engine.troubles["ensure_network"] = [away() for _ in range(3)]
    for _ in range(3):
        job.run()
    assert (job.deployment().status, job.operation().status) == ("failed", "failed")
    assert job.deployment().error_step == "deploy_compute"
    assert job.deployment().error_message == f"OPERATION_EXHAUSTED: {AWAY} It was tried 3 times."


def test_a_lasting_failure_ends_at_once(accept: Accept, engine: FakeEngine) -> None:
    job = accept()
    engine.troubles["ensure_image"] = [StepError("The image x:1 could not be pulled: no such tag.")]
    job.run()
    assert (job.deployment().status, job.operation().attempts) == ("failed", 1)
    assert job.deployment().error_message == "The image x:1 could not be pulled: no such tag."
    assert job.claim() is None


def test_a_bug_is_tried_again_and_shows_nothing_of_itself(
    accept: Accept, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    job = accept()
    engine.troubles["launch"] = [ValueError("password=hunter2")]
    job.run()
    job.run()
    assert job.deployment().status == "running"
    assert "Something went wrong inside Berth" in " ".join(messages(job, "deploy_compute"))
    assert "hunter2" not in " ".join([caplog.text, *messages(job, "deploy_compute")])


def test_a_recorded_phase_is_not_done_again(accept: Accept, engine: FakeEngine) -> None:
    job = accept()
    engine.troubles["launch"] = [away()]
    job.run()
    job.run()
    assert messages(job, "collect_secrets") == ["2 generated"]
    with job.runtime.platform.database.session() as session:
        phases = session.execute(
            select(OperationPhase.phase, OperationPhase.fence).where(
                OperationPhase.operation_id == job.operation().id
            )
        ).all()
        assert len(list_app_keys(session, job.deployment().authorization_id or UUID(int=0))) == 1
    fences = {row.phase: row.fence for row in phases}
    assert (fences["resolve_env"], fences["deploy_compute"]) == (1, 2)


def test_a_worker_whose_operation_was_taken_writes_nothing_more(accept: Accept, engine: FakeEngine) -> None:
    job = accept()

    def take_away() -> None:
        with job.runtime.platform.database.transaction() as session:
            moved = update(Operation).where(Operation.deployment_id == job.deployment_id)
            session.execute(moved.values(fence=Operation.fence + 1, lease_owner="worker-2"))

    engine.before_launch = take_away
    job.run()
    assert job.operation().lease_owner == "worker-2"
    assert job.operation().finished_at is None
    assert (job.deployment().status, job.deployment().error_step) == ("deploying", None)
    assert messages(job, "deploy_compute") == ["Step 1/1 : FROM scratch"]


def test_a_destroy_stops_the_deploy_and_nothing_is_left(accept: Accept, engine: FakeEngine) -> None:
    job = accept()

    def destroy() -> None:
        engine.before_launch = lambda: None
        with job.runtime.platform.database.transaction() as session:
            request_destroy(session, session.get_one(Deployment, job.deployment_id))

    engine.before_launch = destroy
    job.run()
    assert job.deployment().status == "destroying"
    job.run()
    assert (job.deployment().status, job.operation().kind) == ("destroyed", "teardown")
    assert (engine.states, engine.networks) == ({}, {})


def test_a_database_that_is_away_leaves_the_operation_to_the_sweeper(
    accept: Accept, engine: FakeEngine
) -> None:
    job = accept()
    engine.troubles["ensure_network"] = [OperationalError("SELECT 1", {}, Exception("gone"))]
    job.run()
    assert (job.operation().lease_owner, job.operation().finished_at) == ("worker-1", None)
    assert job.deployment().status == "deploying"


def test_a_variable_is_a_secret_when_it_is_made_of_one(accept: Accept) -> None:
    env = {"BASE": "/d/${subdomain}/", "KEY": "key ${app_secret}", "LITERAL": "a plain text"}
    image = "registry.example.com/acme/tool:1.0.0"
    job = accept(
        services=[{"name": "web", "role": "web", "image": image, "env": env}],
        secrets={"app_secret": {"type": "uuid"}},
    )
    job.run()
    platform = job.runtime.platform
    with platform.database.session() as session:
        hidden = list_secret_values(session, platform, job.deployment_id)
    assert [value for value in hidden if value.startswith("key ")]
    assert f"/d/{job.deployment().subdomain}/" not in hidden
    assert "a plain text" not in hidden


def test_a_failed_deploy_keeps_its_containers_and_their_last_words(
    accept: Accept, engine: FakeEngine, runtime: Runtime
) -> None:
    job = accept()
    engine.troubles["launch"] = [StepError("Service web could not start: no such file.")]
    job.run()
    assert messages(job, "collect_app_logs_on_failure") == ["no containers"]
    assert engine.networks
    assert engine.calls["remove_network"] == engine.calls["remove_container"] == 0
