"""The sweeper: a thread in every worker that rings for operations nobody holds, so none is ever stuck."""

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from app.core.queue import RUN_OPERATION
from app.deployments.sweeping import (
    give_up_operation,
    list_exhausted,
    report_alive,
    take_sweep_lock,
    take_waiting_operations,
)
from workers.runtime import Runtime

log = logging.getLogger(__name__)


class Sweeper:
    """Sweeps every few seconds; one worker at a time, by an advisory lock, and without needing beat."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()

    def sweep_once(self) -> list[str]:
        """Report alive, give up what is past its ceiling, ring for what waits; returns the rung ids."""
        platform = self._runtime.platform
        with platform.database.transaction() as session:
            report_alive(session, self._runtime.worker)
            if not take_sweep_lock(session):
                return []
            for exhausted in list_exhausted(session, platform.settings):
                give_up_operation(session, exhausted)
                log.error(
                    "%s", exhausted.code, extra={"fields": {"operation_id": str(exhausted.operation_id)}}
                )
            waiting = [str(item) for item in take_waiting_operations(session)]
        return [item for item in waiting if platform.queue.ring(RUN_OPERATION, item)]

    def _run(self) -> None:
        while True:
            try:
                self.sweep_once()
            except SQLAlchemyError as error:
                # A database that is away for a while must not end the one thread that repairs.
                log.warning("sweep failed: %s", type(error).__name__)
            if self._ended.wait(self._runtime.platform.settings.sweep_seconds):
                return
