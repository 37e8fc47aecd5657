"""Handing an accepted deploy to the workers, and taking it back when nobody would ever pick it up."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.connections.models import App, Binding, Connection
from app.core.errors import UpstreamError
from app.core.idempotency import Scope, forget_answer
from app.core.platform import Platform
from app.core.queue import RUN_OPERATION, ring_after_commit
from app.deployments.models import Deployment, DeploymentCredential, DeploymentEnvVar
from app.deployments.operation_models import Operation
from app.deployments.sweeping import has_live_worker


@dataclass(frozen=True)
class Accepted:
    """A deploy whose rows are committed, and the idempotency key that its answer stands under."""

    deployment_id: UUID
    operation_id: UUID
    scope: Scope | None


def deliver_or_undo(platform: Platform, accepted: Accepted) -> None:
    """Ring for an accepted deploy; raises UpstreamError WORKER_UNREACHABLE after removing every row of it.

    A broker that is down is no reason while a worker lives: its sweeper finds the row.
    """
    if platform.queue.ring(RUN_OPERATION, str(accepted.operation_id)):
        return
    with platform.database.transaction() as session:
        if has_live_worker(session) or not _undo(session, accepted):
            return
        if accepted.scope:
            forget_answer(session, platform.cache, accepted.scope)
    raise _unreachable()


def ring_or_refuse(session: Session, platform: Platform, operation_id: UUID) -> None:
    """Ring once this transaction has committed; raises UpstreamError WORKER_UNREACHABLE before it does."""
    # Where no worker lives the queue is tried first: a status that was committed could not be put back.
    if not has_live_worker(session) and not platform.queue.ring(RUN_OPERATION, str(operation_id)):
        raise _unreachable()
    ring_after_commit(session, platform.queue, RUN_OPERATION, operation_id)


def _unreachable() -> UpstreamError:
    return UpstreamError(
        "No deploy worker can be reached. Nothing was changed; try again.",
        code="WORKER_UNREACHABLE",
        extras={"detail": "The queue did not answer and no worker has reported for two minutes."},
    )


def _undo(session: Session, accepted: Accepted) -> bool:
    """Remove the rows of a deploy that no worker has claimed; False when one just did."""
    deployment_id = accepted.deployment_id
    unclaimed = delete(Operation).where(Operation.id == accepted.operation_id, Operation.attempts == 0)
    if session.execute(unclaimed.returning(Operation.id)).first() is None:
        return False
    app_id = session.execute(
        select(Deployment.authorization_id).where(Deployment.id == deployment_id)
    ).scalar_one()
    for table in (DeploymentEnvVar, DeploymentCredential):
        session.execute(delete(table).where(table.deployment_id == deployment_id))
    session.execute(delete(Deployment).where(Deployment.id == deployment_id))
    made = _list_made_connections(session, app_id)
    session.execute(delete(Binding).where(Binding.app_id == app_id))
    is_free = ~select(Binding.app_id).where(Binding.connection_id == Connection.id).exists()
    session.execute(delete(Connection).where(Connection.id.in_(made), is_free))
    session.execute(delete(App).where(App.id == app_id))
    return True


def _list_made_connections(session: Session, app_id: UUID | None) -> list[UUID]:
    """Connections that came with the deploy: younger than its app, which was written before them."""
    statement = (
        select(Connection.id)
        .join(Binding, Binding.connection_id == Connection.id)
        .join(App, App.id == Binding.app_id)
        .where(App.id == app_id, Connection.created_at > App.connected_at)
    )
    return list(session.scalars(statement))
