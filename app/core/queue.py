"""The doorbell: tell a worker, after commit and by task name, that a row is waiting.

The row is the queue. A bell that is lost, doubled or late changes nothing: the sweeper rings again.
"""

import logging
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy.orm import Session

from app.core.db import after_commit

log = logging.getLogger(__name__)

RUN_OPERATION = "operations.run"
TASK_NAMES = (RUN_OPERATION,)
# A request waits while it rings: a broker that is down or frozen may cost it two seconds, never a retry.
_SEND_OPTIONS = {
    "socket_timeout": 2,
    "socket_connect_timeout": 1,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "max_retries": 0,
}


class Queue:
    """A send-only Celery client with the same `celeryconfig.py` as the workers."""

    def __init__(self) -> None:
        changes = {"broker_transport_options": _SEND_OPTIONS}
        self._celery = Celery("berth", set_as_current=False, changes=changes)
        self._celery.config_from_object("celeryconfig")

    def ring(self, task: str, *ids: str) -> bool:
        """Send one message without retry; False when the broker did not take it."""
        try:
            self._celery.send_task(task, args=list(ids), retry=False, ignore_result=True)
        except (BrokerError, OSError) as error:
            log.warning("could not ring %s: %s", task, type(error).__name__)
            return False
        return True


def ring_after_commit(session: Session, queue: Queue, task: str, *ids: Any) -> None:
    """Ring once this transaction has committed; a broker that is down is the sweeper's business."""

    def ring() -> None:
        queue.ring(task, *(str(item) for item in ids))

    after_commit(session, ring)
