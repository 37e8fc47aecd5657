"""The thread that rings for what nobody holds."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.core.db import Database
from app.core.queue import RUN_OPERATION
from app.deployments.operation_models import Operation
from app.deployments.operations import NOW
from app.deployments.sweeping import has_live_worker, take_sweep_lock
from tests.workers.conftest import Job
from workers.runtime import Runtime
from workers.sweeps import Sweeper

Accept = Callable[..., Job]


class RecordingQueue:
    """Takes every bell, and says when one came."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.came = threading.Event()

    def ring(self, task: str, *ids: str) -> bool:
        assert task == RUN_OPERATION
        self.rung += ids
        self.came.set()
        return True


class StumblingDatabase:
    """Refuses the first transactions, as a server that is starting does."""

    def __init__(self, database: Database, refusals: int) -> None:
        self._database = database
        self.refusals = refusals

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        if self.refusals:
            self.refusals -= 1
            raise OperationalError("SELECT 1", {}, Exception("starting up"))
        with self._database.transaction() as session:
            yield session


@pytest.fixture
def queue() -> RecordingQueue:
    return RecordingQueue()


def sweeper(runtime: Runtime, queue: RecordingQueue, **changes: Any) -> Sweeper:
    platform = replace(runtime.platform, queue=queue, **changes)
    return Sweeper(replace(runtime, platform=platform))


def age(job: Job, **values: Any) -> None:
    with job.runtime.platform.database.transaction() as session:
        session.execute(
            update(Operation).where(Operation.deployment_id == job.deployment_id).values(**values)
        )


def test_an_operation_that_waits_is_rung_once_in_ten_seconds(
    accept: Accept, runtime: Runtime, queue: RecordingQueue
) -> None:
    job = accept()
    assert str(job.operation().id) not in sweeper(runtime, queue).sweep_once()
    age(job, rung_at=NOW - timedelta(seconds=11))
    assert sweeper(runtime, queue).sweep_once() == queue.rung == [str(job.operation().id)]
    assert sweeper(runtime, queue).sweep_once() == []


def test_a_lapsed_lease_is_rung_at_once_and_a_live_one_never(
    accept: Accept, runtime: Runtime, queue: RecordingQueue
) -> None:
    job = accept()
    job.claim(lease_seconds=60)
    age(job, rung_at=NOW - timedelta(seconds=60))
    assert sweeper(runtime, queue).sweep_once() == []
    age(job, rung_at=NOW, lease_expires_at=NOW - timedelta(seconds=1))
    assert sweeper(runtime, queue).sweep_once() == [str(job.operation().id)]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"attempts": 3}, "OPERATION_EXHAUSTED"),
        ({"attempts": 1, "created_at": NOW - timedelta(minutes=61)}, "OPERATION_TIMEOUT"),
        ({"attempts": 0, "created_at": NOW - timedelta(minutes=16)}, "OPERATION_TIMEOUT"),
    ],
)
def test_what_is_past_its_ceiling_is_given_up_and_the_deployment_failed(
    accept: Accept, runtime: Runtime, queue: RecordingQueue, values: dict[str, Any], code: str
) -> None:
    job = accept()
    age(job, **values)
    assert sweeper(runtime, queue).sweep_once() == []
    assert (job.operation().status, job.operation().finished_at is None) == ("failed", False)
    assert job.deployment().status == "failed"
    assert (job.deployment().error_message or "").startswith(code)


def test_the_last_attempt_at_work_is_not_given_up(
    accept: Accept, runtime: Runtime, queue: RecordingQueue
) -> None:
    job = accept()
    job.claim(lease_seconds=60)
    age(job, attempts=3, created_at=NOW - timedelta(minutes=59))
    sweeper(runtime, queue).sweep_once()
    assert job.operation().finished_at is None


def test_a_run_that_goes_on_and_on_is_given_up_under_its_worker(
    accept: Accept, runtime: Runtime, queue: RecordingQueue
) -> None:
    job = accept()
    claim = job.claim(lease_seconds=60)
    age(job, created_at=NOW - timedelta(minutes=61))
    sweeper(runtime, queue).sweep_once()
    assert job.operation().fence == claim.fence + 1
    assert (job.deployment().error_message or "").startswith("OPERATION_TIMEOUT")


def test_only_one_sweeper_sweeps_at_a_time(accept: Accept, runtime: Runtime, queue: RecordingQueue) -> None:
    job = accept()
    age(job, rung_at=None)
    with runtime.platform.database.transaction() as other:
        assert take_sweep_lock(other)
        assert sweeper(runtime, queue).sweep_once() == []
    assert sweeper(runtime, queue).sweep_once() == [str(job.operation().id)]


def test_a_sweep_says_that_its_worker_lives(runtime: Runtime, queue: RecordingQueue) -> None:
    sweeper(runtime, queue).sweep_once()
    with runtime.platform.database.session() as session:
        assert has_live_worker(session)


def test_a_database_that_stumbles_does_not_end_the_thread(
    accept: Accept, runtime: Runtime, queue: RecordingQueue
) -> None:
    job = accept()
    age(job, rung_at=None)
    stumbling = StumblingDatabase(runtime.platform.database, refusals=2)
    settings = replace(runtime.platform.settings, sweep_seconds=1)
    started = sweeper(runtime, queue, database=stumbling, settings=settings)
    started.start()
    try:
        assert queue.came.wait(15)
    finally:
        started.stop()
    assert (queue.rung, stumbling.refusals) == ([str(job.operation().id)], 0)
