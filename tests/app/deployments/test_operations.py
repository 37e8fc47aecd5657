"""The queue of record: one holder at a time, by a fence that only rises and by the database's clock."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.deployments.models import Deployment
from app.deployments.operation_models import Operation, OperationKind, OperationStatus
from app.deployments.operations import (
    FenceLostError,
    claim_operation,
    enqueue_operation,
    extend_lease,
    finish_operation,
    hold_fence,
    release_operation,
    supersede_active,
)
from stack.ports import wait_until
from tests.app.deployments.orders import client_of, run_sql
from tests.factories import make_deployment

LEASE = 60


def find_active(session, deployment_id):
    chosen = Operation.deployment_id == deployment_id, Operation.finished_at.is_(None)
    return session.execute(select(Operation).where(*chosen)).scalar_one_or_none()


@pytest.fixture
def deployment_id(platform, workspace, tool):
    return make_deployment(platform, workspace, tool)


@pytest.fixture
def operation_id(platform, deployment_id):
    """A committed operation that waits."""
    with platform.database.transaction() as session:
        deployment = session.get_one(Deployment, deployment_id)
        return enqueue_operation(session, deployment, OperationKind.DEPLOY, "1.0.0").id


@pytest.fixture
def claim(platform, operation_id):
    """Claim in a transaction of its own."""

    def run(owner="worker-1", lease_seconds=LEASE):
        with platform.database.transaction() as session:
            return claim_operation(session, operation_id, owner, lease_seconds)

    return run


@pytest.fixture
def row(platform, operation_id):
    def run() -> Operation:
        with platform.database.transaction() as session:
            return session.get_one(Operation, operation_id)

    return run


def lapse(platform, operation_id) -> None:
    run_sql(
        platform,
        "UPDATE operations SET lease_expires_at = clock_timestamp() - interval '1 ms' WHERE id = :id",
        id=operation_id,
    )


def act(platform, action, *args):
    """One write of a worker in its own transaction."""
    with platform.database.transaction() as session:
        return action(session, *args)


def test_a_claim_takes_what_waits(claim, row, deployment_id):
    held = claim()
    assert (held.deployment_id, held.kind, held.fence, held.attempts) == (deployment_id, "deploy", 1, 1)
    found = row()
    assert (found.status, found.lease_owner, found.fence) == ("running", "worker-1", 1)
    assert found.started_at is not None


def test_a_held_operation_cannot_be_claimed_again(claim):
    assert claim("worker-1") is not None
    assert claim("worker-2") is None
    assert claim("worker-1") is None


def test_an_unknown_operation_cannot_be_claimed(session):
    assert claim_operation(session, uuid4(), "worker-1", LEASE) is None


def test_a_lapsed_lease_is_claimed_with_a_higher_fence(platform, claim, operation_id, row):
    first = claim("worker-1")
    began = row().started_at
    lapse(platform, operation_id)
    second = claim("worker-2")
    assert (second.fence, second.attempts, second.owner) == (first.fence + 1, 2, "worker-2")
    assert row().started_at == began


def test_a_lease_ends_by_the_clock_of_the_database(platform, claim, row, session):
    claim(lease_seconds=LEASE)
    now = session.connection().exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    remaining = row().lease_expires_at - now
    assert timedelta(seconds=LEASE - 10) < remaining <= timedelta(seconds=LEASE)


@pytest.mark.parametrize("status", [OperationStatus.SUCCEEDED, OperationStatus.FAILED])
def test_what_has_ended_cannot_be_claimed(platform, claim, row, status):
    act(platform, finish_operation, claim(), status)
    found = row()
    assert (found.status, found.lease_owner, found.lease_expires_at) == (status, None, None)
    assert found.finished_at is not None
    assert claim() is None


def test_one_of_two_open_transactions_gets_the_claim(platform, operation_id):
    claims = []
    first = platform.database.session()
    held = claim_operation(first, operation_id, "worker-1", LEASE)
    rival = threading.Thread(
        target=lambda: claims.append(act(platform, claim_operation, operation_id, "worker-2", LEASE))
    )
    rival.start()
    assert wait_until(lambda: waits_for_a_lock(platform), 5)
    first.commit()
    rival.join(10)
    first.close()
    assert held.fence == 1
    assert claims == [None]


def waits_for_a_lock(platform) -> bool:
    with platform.database.engine.connect() as connection:
        waiting = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
        return bool(waiting.scalar_one())


def test_a_claim_that_is_rolled_back_was_none(platform, operation_id, claim):
    with platform.database.session() as session:
        assert claim_operation(session, operation_id, "worker-1", LEASE) is not None
        session.rollback()
    assert claim("worker-2").fence == 1


def test_exactly_one_of_many_claims(platform, operation_id):
    claims = []
    start = threading.Barrier(12)

    def run(number: int) -> None:
        start.wait()
        claims.append(act(platform, claim_operation, operation_id, f"worker-{number}", LEASE))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(claims) == 12
    assert sum(found is not None for found in claims) == 1


WRITES = {
    "extend": (extend_lease, (LEASE,)),
    "hold": (hold_fence, ()),
    "finish": (finish_operation, (OperationStatus.SUCCEEDED,)),
    "release": (release_operation, ()),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_held_fence_lets_writes_pass(platform, claim, write):
    action, args = WRITES[write]
    assert act(platform, action, claim(), *args) is None


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("loss", ["reclaimed", "superseded", "finished"])
def test_a_lost_fence_stops_every_write(platform, claim, operation_id, deployment_id, row, write, loss):
    old = claim("worker-1")
    if loss == "reclaimed":
        lapse(platform, operation_id)
        claim("worker-2")
    elif loss == "superseded":
        act(platform, supersede_active, deployment_id)
    else:
        act(platform, finish_operation, old, OperationStatus.FAILED)
    before = row()
    action, args = WRITES[write]
    with pytest.raises(FenceLostError):
        act(platform, action, old, *args)
    after = row()
    assert (after.status, after.fence, after.lease_owner) == (before.status, before.fence, before.lease_owner)


def test_a_lapsed_lease_alone_loses_nothing(platform, claim, operation_id):
    held = claim()
    lapse(platform, operation_id)
    act(platform, hold_fence, held)
    act(platform, extend_lease, held, LEASE)
    assert claim("worker-2") is None


def test_an_extended_lease_lasts_longer(platform, claim, row):
    held = claim(lease_seconds=2)
    before = row().lease_expires_at
    act(platform, extend_lease, held, 600)
    assert row().lease_expires_at > before + timedelta(seconds=500)


def test_a_released_operation_is_claimed_again(platform, claim, row):
    held = claim("worker-1")
    act(platform, release_operation, held)
    assert row().lease_owner is None
    assert claim("worker-2").fence == held.fence + 1


def test_a_held_fence_makes_the_next_claim_wait_for_the_commit(platform, claim, operation_id):
    held = claim("worker-1")
    lapse(platform, operation_id)
    claims = []
    with platform.database.session() as writer:
        hold_fence(writer, held)
        rival = threading.Thread(
            target=lambda: claims.append(act(platform, claim_operation, operation_id, "worker-2", LEASE))
        )
        rival.start()
        assert wait_until(lambda: waits_for_a_lock(platform), 5)
        writer.commit()
    rival.join(10)
    assert claims[0].fence == held.fence + 1


def test_a_deployment_has_one_unfinished_operation(platform, operation_id, deployment_id):
    with pytest.raises(IntegrityError), platform.database.transaction() as session:
        enqueue_operation(session, session.get_one(Deployment, deployment_id), OperationKind.TEARDOWN)


def test_a_finished_operation_frees_its_deployment(platform, claim, deployment_id):
    act(platform, finish_operation, claim(), OperationStatus.SUCCEEDED)
    assert act(platform, find_active, deployment_id) is None
    with platform.database.transaction() as session:
        deployment = session.get_one(Deployment, deployment_id)
        fresh = enqueue_operation(session, deployment, OperationKind.TEARDOWN)
    assert act(platform, find_active, deployment_id).id == fresh.id


def test_superseding_nothing_changes_nothing(platform, deployment_id):
    act(platform, supersede_active, deployment_id)
    assert act(platform, find_active, deployment_id) is None


def test_a_destroy_waits_for_a_phase_that_is_being_written(app, platform, workspace, claim, deployment_id):
    """A worker locks the operation and then writes its deployment: a destroy must go the same way round."""
    held, answers = claim(), []
    client = client_of(app, workspace)
    with platform.database.session() as writer:
        hold_fence(writer, held)
        rival = threading.Thread(
            target=lambda: answers.append(client.post(f"/api/deployments/{deployment_id}/destroy"))
        )
        rival.start()
        assert wait_until(lambda: waits_for_a_lock(platform), 5)
        writer.get_one(Deployment, deployment_id).progress = 50
        writer.commit()
    rival.join(10)
    assert answers[0].status_code == 202
    with platform.database.transaction() as session:
        assert session.get_one(Deployment, deployment_id).progress == 50
    with pytest.raises(FenceLostError):
        act(platform, hold_fence, held)
