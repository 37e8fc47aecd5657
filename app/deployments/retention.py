"""How long logs and idempotency records are kept (background-jobs.md 5)."""

from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.core.idempotency import RETENTION, IdempotencyKey
from app.deployments.log_models import ContainerLog
from app.deployments.operation_models import WorkerHeartbeat
from app.deployments.operations import NOW

CONTAINER_LOG_LIFE = timedelta(days=7)
HEARTBEAT_LIFE = timedelta(days=1)


def trim_aged_rows(session: Session) -> None:
    """Delete what is past its keeping time; repeating it changes nothing."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < NOW - RETENTION))
    session.execute(delete(ContainerLog).where(ContainerLog.logged_at < NOW - CONTAINER_LOG_LIFE))
    session.execute(delete(WorkerHeartbeat).where(WorkerHeartbeat.seen_at < NOW - HEARTBEAT_LIFE))
