"""What the sweeper asks the database: whom to ring, whom to give up, who lives."""

from datetime import timedelta

import pytest

from app.deployments.models import Deployment
from app.deployments.operation_models import Operation, OperationKind
from app.deployments.operations import FenceLostError, claim_operation, enqueue_operation, hold_fence
from app.deployments.sweeping import (
    Exhausted,
    give_up_operation,
    has_live_worker,
    list_exhausted,
    report_alive,
    take_sweep_lock,
    take_waiting_operations,
)
from tests.app.deployments.orders import run_sql
from tests.factories import make_deployment, unique

DEPLOY, TEARDOWN = OperationKind.DEPLOY, OperationKind.TEARDOWN


@pytest.fixture
def waiting(platform, workspace, tool):
    """A queued operation whose times lie in the past by so many seconds; columns are set as given."""

    def run(kind=DEPLOY, status="deploying", created=0, rung=None, **columns):
        deployment_id = make_deployment(platform, workspace, tool, status, deploymentSlug=unique("app"))
        with platform.database.transaction() as session:
            operation = enqueue_operation(session, session.get_one(Deployment, deployment_id), kind)
            for name, value in columns.items():
                setattr(operation, name, value)
        backdate(platform, operation.id, "created_at", created)
        if rung is not None:
            backdate(platform, operation.id, "rung_at", rung)
        return operation.id

    return run


def backdate(platform, operation_id, column: str, seconds: float) -> None:
    moment = f"clock_timestamp() - make_interval(secs => {seconds})"
    run_sql(platform, f"UPDATE operations SET {column} = {moment} WHERE id = :id", id=operation_id)


def claim(platform, operation_id, lapsed: bool = False):
    with platform.database.transaction() as session:
        held = claim_operation(session, operation_id, "worker-1", 60)
    if lapsed:
        backdate(platform, operation_id, "lease_expires_at", 1)
    return held


def rung(platform) -> list:
    with platform.database.transaction() as session:
        return take_waiting_operations(session)


def exhausted(platform) -> dict:
    with platform.database.transaction() as session:
        return {item.operation_id: item.code for item in list_exhausted(session, platform.settings)}


def test_what_was_just_rung_is_left_alone(platform, waiting):
    waiting(rung=5.0)
    assert rung(platform) == []


def test_what_waits_ten_seconds_is_rung_and_then_left_alone_again(platform, waiting):
    operation_id = waiting(rung=10.1)
    assert rung(platform) == [operation_id]
    assert rung(platform) == []


def test_what_was_never_rung_is_rung(platform, waiting):
    operation_id = waiting()
    run_sql(platform, "UPDATE operations SET rung_at = NULL WHERE id = :id", id=operation_id)
    assert rung(platform) == [operation_id]


def test_a_held_operation_is_not_rung(platform, waiting):
    operation_id = waiting(rung=60)
    claim(platform, operation_id)
    assert rung(platform) == []


def test_a_lapsed_lease_is_rung_at_once(platform, waiting):
    operation_id = waiting(rung=0)
    claim(platform, operation_id, lapsed=True)
    assert rung(platform) == [operation_id]


def test_a_finished_operation_is_not_rung(platform, waiting):
    operation_id = waiting(rung=60)
    backdate(platform, operation_id, "finished_at", 0)
    assert rung(platform) == []


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({}, None),
        ({"created": 14 * 60}, None),
        ({"created": 16 * 60}, "OPERATION_TIMEOUT"),
        ({"created": 16 * 60, "attempts": 1}, None),
        ({"created": 59 * 60, "attempts": 1}, None),
        ({"created": 61 * 60, "attempts": 1}, "OPERATION_TIMEOUT"),
        ({"attempts": 9}, None),
        ({"attempts": 10}, "OPERATION_EXHAUSTED"),
        ({"attempts": 11, "created": 61 * 60}, "OPERATION_EXHAUSTED"),
        ({"kind": TEARDOWN, "created": 29 * 60, "attempts": 1}, None),
        ({"kind": TEARDOWN, "created": 31 * 60, "attempts": 1}, "OPERATION_TIMEOUT"),
        ({"kind": TEARDOWN, "attempts": 10}, "OPERATION_EXHAUSTED"),
    ],
)
def test_a_ceiling_ends_an_operation(platform, waiting, columns, code):
    operation_id = waiting(**columns)
    assert exhausted(platform).get(operation_id) == code


def test_the_last_attempt_may_run_to_its_end(platform, waiting):
    operation_id = waiting(attempts=9)
    claim(platform, operation_id)
    assert operation_id not in exhausted(platform)


def give_up(platform, operation_id, code="OPERATION_EXHAUSTED") -> tuple[Operation, Deployment]:
    with platform.database.transaction() as session:
        give_up_operation(session, Exhausted(operation_id, code))
    with platform.database.transaction() as session:
        operation = session.get_one(Operation, operation_id)
        return operation, session.get_one(Deployment, operation.deployment_id)


@pytest.mark.parametrize("code", ["OPERATION_EXHAUSTED", "OPERATION_TIMEOUT"])
def test_a_deploy_given_up_has_failed(platform, waiting, code):
    operation, deployment = give_up(platform, waiting(attempts=10), code)
    assert (operation.status, deployment.status) == ("failed", "failed")
    assert operation.finished_at is not None
    assert deployment.error_message.startswith(code)
    assert (operation.error_step, deployment.error_step) == ("deploy", "deploy")


def test_the_step_that_was_reached_is_named(platform, waiting):
    operation_id = waiting()
    run_sql(
        platform,
        "UPDATE deployments SET current_step = 'deploy_compute', progress = 30"
        " WHERE id = (SELECT deployment_id FROM operations WHERE id = :id)",
        id=operation_id,
    )
    _, deployment = give_up(platform, operation_id)
    assert (deployment.error_step, deployment.progress) == ("deploy_compute", 30)


def test_a_teardown_given_up_stays_destroying(platform, waiting):
    operation, deployment = give_up(platform, waiting(TEARDOWN, "destroying", attempts=10))
    assert (operation.status, deployment.status) == ("failed", "destroying")
    assert deployment.error_step == "teardown"


def test_who_comes_late_has_lost_the_fence(platform, waiting):
    operation_id = waiting()
    held = claim(platform, operation_id, lapsed=True)
    give_up(platform, operation_id)
    with pytest.raises(FenceLostError), platform.database.transaction() as session:
        hold_fence(session, held)
    assert claim(platform, operation_id) is None


def test_what_ended_meanwhile_is_left_as_it_is(platform, waiting):
    operation_id = waiting(status="running")
    backdate(platform, operation_id, "finished_at", 0)
    operation, deployment = give_up(platform, operation_id)
    assert (operation.status, deployment.status) == ("queued", "running")


def test_a_worker_that_reported_lives(platform, session):
    assert not has_live_worker(session)
    for _ in range(2):
        report_alive(session, "worker-1")
    assert has_live_worker(session)


@pytest.mark.parametrize(("seconds", "lives"), [(0, True), (110, True), (130, False), (86_400, False)])
def test_a_worker_lives_for_two_minutes(session, seconds, lives):
    report_alive(session, "worker-1")
    session.connection().exec_driver_sql(
        "UPDATE worker_heartbeats SET seen_at = clock_timestamp() - %s", (timedelta(seconds=seconds),)
    )
    assert has_live_worker(session) is lives


def test_one_of_two_sweeps(platform):
    with platform.database.transaction() as first:
        assert take_sweep_lock(first)
        with platform.database.transaction() as second:
            assert not take_sweep_lock(second)
    with platform.database.transaction() as third:
        assert take_sweep_lock(third)
