"""What the sweeper asks: which operations wait, which are past their ceilings, which workers live."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.config import Settings
from app.deployments.models import Deployment, DeploymentStatus
from app.deployments.operation_models import Operation, OperationKind, OperationStatus, WorkerHeartbeat
from app.deployments.operations import NOW

RING_AGAIN = timedelta(seconds=10)
UNCLAIMED_CEILING = timedelta(minutes=15)
# Of everything but a deploy, whose ceiling an operator may set.
OTHER_CEILING = timedelta(minutes=30)
ALIVE_WITHIN = timedelta(minutes=2)
SWEEP_LOCK = 0x53574545


@dataclass(frozen=True)
class Exhausted:
    """An operation that will not be tried again, and why."""

    operation_id: UUID
    code: str


def take_sweep_lock(session: Session) -> bool:
    """One sweeper at a time, until this transaction ends."""
    return bool(session.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": SWEEP_LOCK}).scalar())


def report_alive(session: Session, worker: str) -> None:
    """Say that this worker sweeps and claims."""
    statement = insert(WorkerHeartbeat).values(worker=worker)
    session.execute(
        statement.on_conflict_do_update(index_elements=["worker"], set_={"seen_at": func.clock_timestamp()})
    )


def has_live_worker(session: Session) -> bool:
    statement = select(WorkerHeartbeat.worker).where(WorkerHeartbeat.seen_at > NOW - ALIVE_WITHIN).limit(1)
    return session.execute(statement).first() is not None


def take_waiting_operations(session: Session) -> list[UUID]:
    """Ids of operations without a live lease that were not rung in the last ten seconds; marks them rung."""
    waiting = Operation.lease_owner.is_(None) | (Operation.lease_expires_at < NOW)
    unrung = Operation.rung_at.is_(None) | (Operation.rung_at < NOW - RING_AGAIN)
    # A lapsed lease is rung at once: the worker that held it is gone.
    lapsed = Operation.lease_expires_at < NOW
    statement = (
        update(Operation)
        .where(Operation.finished_at.is_(None), waiting, unrung | lapsed)
        .values(rung_at=NOW)
        .returning(Operation.id)
    )
    return list(session.execute(statement).scalars())


def list_exhausted(session: Session, settings: Settings) -> list[Exhausted]:
    """Unfinished operations past their ceilings (lifecycle.md 1).

    The ceiling of attempts speaks of rows that nobody holds; the one of age also of a run that goes on
    and on: its worker meets the raised fence at its next write.
    """
    waiting = Operation.lease_owner.is_(None) | (Operation.lease_expires_at < NOW)
    rows = session.execute(select(Operation, waiting).where(Operation.finished_at.is_(None))).all()
    now = session.execute(select(NOW)).scalar_one()
    codes = [
        (row.id, _find_ceiling(row, is_waiting, now - row.created_at, settings)) for row, is_waiting in rows
    ]
    return [Exhausted(operation_id, code) for operation_id, code in codes if code]


def _find_ceiling(operation: Operation, is_waiting: bool, age: timedelta, settings: Settings) -> str | None:
    if is_waiting and operation.attempts >= settings.max_attempts:
        return "OPERATION_EXHAUSTED"
    is_unclaimed = operation.attempts == 0 and age > UNCLAIMED_CEILING
    return "OPERATION_TIMEOUT" if is_unclaimed or age > _ceiling(operation, settings) else None


def _ceiling(operation: Operation, settings: Settings) -> timedelta:
    is_deploy = operation.kind == OperationKind.DEPLOY
    return timedelta(seconds=settings.deploy_ceiling_seconds) if is_deploy else OTHER_CEILING


def give_up_operation(session: Session, exhausted: Exhausted) -> None:
    """End an operation at its ceiling; its deployment becomes `failed`, a teardown stays `destroying`."""
    operation = session.get_one(Operation, exhausted.operation_id, with_for_update=True)
    if operation.finished_at is not None:
        return
    deployment = session.get_one(Deployment, operation.deployment_id)
    operation.status = OperationStatus.FAILED
    operation.fence += 1
    operation.finished_at = session.execute(select(NOW)).scalar_one()
    operation.lease_owner = operation.lease_expires_at = None
    operation.error_step = deployment.error_step = deployment.current_step or operation.kind
    operation.error_message = deployment.error_message = (
        f"{exhausted.code}: the operation did not finish in its time and was given up."
    )
    if operation.kind != OperationKind.TEARDOWN:
        deployment.status = DeploymentStatus.FAILED
