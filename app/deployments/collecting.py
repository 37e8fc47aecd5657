"""What the log collector asks: who collects, and from where a container is followed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.core.db import Database
from app.deployments.log_models import ContainerLog
from app.deployments.models import Deployment

COLLECTOR_LOCK = 0x4C4F4753


@dataclass(frozen=True)
class FollowedContainer:
    """Whose container it is, and the newest line that is stored."""

    deployment_id: UUID
    attempt: int
    last_timestamp_ns: int


@contextmanager
def hold_collector_lock(database: Database) -> Iterator[bool]:
    """Whether this process is the one that collects, for as long as the block runs."""
    with database.engine.connect() as connection:
        taken = connection.execute(
            text("SELECT pg_try_advisory_lock(:key)"), {"key": COLLECTOR_LOCK}
        ).scalar()
        connection.commit()
        try:
            yield bool(taken)
        finally:
            # The lock belongs to the connection; a pooled one would keep it.
            connection.invalidate()


def find_followed(session: Session, deployment_id: UUID, container_id: str) -> FollowedContainer:
    attempt = session.execute(select(Deployment.attempt).where(Deployment.id == deployment_id)).scalar()
    newest = select(func.max(ContainerLog.timestamp_ns)).where(ContainerLog.container_id == container_id)
    return FollowedContainer(deployment_id, attempt or 1, session.execute(newest).scalar() or 0)
