"""Periodic jobs: each works from state, so a missed or doubled tick changes nothing."""

from celery import shared_task

from app.deployments.retention import trim_aged_rows
from app.identity.sessions import drop_expired_sessions
from workers.runtime import get_runtime


@shared_task(name="berth.jobs.event_trimmer")
def event_trimmer() -> None:
    """Remove aged rows: idempotency records, stored container lines, expired sessions."""
    with get_runtime().platform.database.transaction() as session:
        trim_aged_rows(session)
        drop_expired_sessions(session)
