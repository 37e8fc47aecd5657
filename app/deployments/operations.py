"""The queue of record: claim a row, hold it by a fence, finish it.

Every write of a worker happens under `hold_fence`: a worker that lost its lease changes nothing.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Interval, func, select, update
from sqlalchemy.orm import Session

from app.core.errors import ConflictError
from app.deployments.models import Deployment
from app.deployments.operation_models import Operation, OperationKind, OperationPhase, OperationStatus

NOW = func.clock_timestamp()


class FenceLostError(Exception):
    """Another worker owns this operation now, or it has ended."""


@dataclass(frozen=True)
class Claim:
    """A worker's hold on an operation; `fence` is its number and only ever rises."""

    operation_id: UUID
    deployment_id: UUID
    kind: OperationKind
    owner: str
    fence: int
    attempts: int


def enqueue_operation(
    session: Session, deployment: Deployment, kind: OperationKind, target_version: str | None = None
) -> Operation:
    """Add a queued row; the partial unique index refuses a second unfinished one."""
    operation = Operation(deployment_id=deployment.id, kind=kind, target_version=target_version, rung_at=NOW)
    session.add(operation)
    session.flush()
    return operation


def claim_operation(session: Session, operation_id: UUID, owner: str, lease_seconds: int) -> Claim | None:
    """Take a queued row, or one whose lease lapsed; None when another worker holds it or it has ended."""
    free = (Operation.lease_owner.is_(None)) | (Operation.lease_expires_at < NOW)
    statement = (
        update(Operation)
        .where(Operation.id == operation_id, Operation.finished_at.is_(None), free)
        .values(
            status=OperationStatus.RUNNING,
            lease_owner=owner,
            lease_expires_at=_after(lease_seconds),
            fence=Operation.fence + 1,
            attempts=Operation.attempts + 1,
            started_at=func.coalesce(Operation.started_at, NOW),
        )
        .returning(Operation.deployment_id, Operation.kind, Operation.fence, Operation.attempts)
    )
    row = session.execute(statement).first()
    if row is None:
        return None
    return Claim(operation_id, row.deployment_id, OperationKind(row.kind), owner, row.fence, row.attempts)


def extend_lease(session: Session, claim: Claim, lease_seconds: int) -> None:
    """Push the lease's end; raises FenceLostError."""
    _update_held(session, claim, lease_expires_at=_after(lease_seconds))


def hold_fence(session: Session, claim: Claim) -> None:
    """Lock the row for this transaction while the claim still holds it; raises FenceLostError."""
    statement = (
        select(Operation.id)
        .where(Operation.id == claim.operation_id, Operation.fence == claim.fence)
        .where(Operation.finished_at.is_(None))
        .with_for_update()
    )
    if session.execute(statement).first() is None:
        raise FenceLostError


def list_phases(session: Session, operation_id: UUID) -> dict[str, OperationPhase]:
    rows = session.execute(
        select(OperationPhase).where(OperationPhase.operation_id == operation_id)
    ).scalars()
    return {row.phase: row for row in rows}


def finish_operation(session: Session, claim: Claim, status: OperationStatus) -> None:
    """End the row and free the deployment for its next operation; raises FenceLostError."""
    _update_held(session, claim, status=status, finished_at=NOW, lease_owner=None, lease_expires_at=None)


def release_operation(session: Session, claim: Claim) -> None:
    """Give the row back to be tried again when the sweeper rings next; raises FenceLostError."""
    _update_held(session, claim, lease_owner=None, lease_expires_at=None, rung_at=NOW)


def supersede_active(session: Session, deployment_id: UUID) -> None:
    """End whatever runs for this deployment: its worker stops at its next fenced write."""
    session.execute(
        update(Operation)
        .where(Operation.deployment_id == deployment_id, Operation.finished_at.is_(None))
        .values(
            status=OperationStatus.SUPERSEDED,
            finished_at=NOW,
            fence=Operation.fence + 1,
            lease_owner=None,
            lease_expires_at=None,
        )
    )


def refuse_state(deployment: Deployment, allowed_from: list[str]) -> ConflictError:
    """The contract's 409 for an action that the status does not allow."""
    return ConflictError(
        f"Not possible while the deployment is {deployment.status}.",
        code="INVALID_STATE",
        extras={"status": deployment.status, "allowedFrom": allowed_from},
    )


def _update_held(session: Session, claim: Claim, **values: object) -> None:
    statement = (
        update(Operation)
        .where(Operation.id == claim.operation_id, Operation.fence == claim.fence)
        .where(Operation.finished_at.is_(None))
        .values(**values)
        .returning(Operation.id)
    )
    if session.execute(statement).first() is None:
        raise FenceLostError


def _after(seconds: int) -> object:
    return NOW + func.make_interval(0, 0, 0, 0, 0, 0, seconds, type_=Interval)
