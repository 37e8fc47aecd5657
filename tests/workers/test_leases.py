"""A lease is kept as long as the work lasts, and no longer."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from app.core.platform import Platform, create_platform
from app.deployments.operation_models import Operation
from app.deployments.operations import Claim, FenceLostError, claim_operation, extend_lease, hold_fence
from tests.deploy_runner.plans import wait_until
from tests.workers.conftest import Job
from workers.leases import Heartbeat
from workers.runtime import bound_idle_transactions

Accept = Callable[..., Job]


@pytest.fixture
def quick(platform: Platform) -> Platform:
    return replace(platform, settings=replace(platform.settings, heartbeat_seconds=0.05, lease_seconds=30))


def claimed(job: Job) -> Claim:
    claim = job.claim(lease_seconds=5)
    assert claim is not None
    return claim


def lease_end(job: Job) -> datetime:
    found = job.operation().lease_expires_at
    assert found is not None
    return found


def take_over(job: Job) -> None:
    with job.runtime.platform.database.transaction() as session:
        moved = update(Operation).where(Operation.deployment_id == job.deployment_id)
        session.execute(moved.values(fence=Operation.fence + 1, lease_owner="worker-2"))


def test_a_heartbeat_pushes_the_end_of_the_lease(accept: Accept, quick: Platform) -> None:
    job = accept()
    claim = claimed(job)
    first = lease_end(job)
    heartbeat = Heartbeat(quick, claim)
    with heartbeat:
        wait_until(lambda: (lease_end(job) - first).total_seconds() > 20, seconds=10)
    assert not heartbeat._thread.is_alive()


def test_a_heartbeat_of_a_lost_claim_leaves_the_new_owners_lease_alone(
    accept: Accept, quick: Platform
) -> None:
    job = accept()
    claim = claimed(job)
    take_over(job)
    before = lease_end(job)
    heartbeat = Heartbeat(quick, claim)
    with heartbeat:
        wait_until(lambda: not heartbeat._thread.is_alive(), seconds=10)
    assert lease_end(job) == before


@pytest.mark.parametrize("write", [hold_fence, lambda session, claim: extend_lease(session, claim, 5)])
def test_every_write_of_a_lost_claim_is_refused(accept: Accept, write: Callable[..., None]) -> None:
    job = accept()
    claim = claimed(job)
    take_over(job)
    with job.runtime.platform.database.session() as session, pytest.raises(FenceLostError):
        write(session, claim)


def test_a_worker_that_freezes_inside_a_transaction_does_not_hold_its_row_for_ever(
    accept: Accept, platform: Platform
) -> None:
    job = accept()
    claim = claimed(job)
    frozen = create_platform(replace(platform.settings, lease_seconds=1), "frozen")
    bound_idle_transactions(frozen)
    with frozen.database.session() as holding:
        hold_fence(holding, claim)
        with platform.database.transaction() as session:
            session.execute(text("SET LOCAL lock_timeout = '10s'"))
            session.execute(
                update(Operation).where(Operation.id == claim.operation_id).values(lease_owner=None)
            )
            taken = claim_operation(session, claim.operation_id, "worker-2", 20)
        assert taken is not None
        with pytest.raises(DBAPIError):
            extend_lease(holding, claim, 20)
    frozen.database.engine.dispose()
