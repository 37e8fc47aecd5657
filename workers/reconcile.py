"""After the engine was away: whatever should run is started again, under its old address.

The restart policy of the containers is for crashes; an engine or a machine that went down and came back
leaves them stopped.
"""

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from app.deployments.reconciling import list_expected_services
from deploy_runner.engines.base import ContainerStatus
from deploy_runner.errors import StepError
from workers.runtime import Runtime

log = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0


class Reconciler:
    """Runs once when a worker starts, and again until the engine has answered."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="reconcile", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                start_stopped_containers(self._runtime)
                return
            except (StepError, SQLAlchemyError) as error:
                log.warning("could not reconcile yet: %s", type(error).__name__)
            self._ended.wait(_RETRY_SECONDS)


def start_stopped_containers(runtime: Runtime) -> int:
    """Start each stopped container of a running deployment; returns how many. Raises StepError."""
    platform, started = runtime.platform, 0
    with platform.database.transaction() as session:
        expected = list_expected_services(session)
    for deployment_id, services in expected.items():
        for state in runtime.engine.list_containers(platform.settings.install_id, deployment_id.hex):
            # One that used up its restarts is broken, and starting it again would hide that.
            if state.service in services and state.state == ContainerStatus.EXITED and not state.exhausted:
                runtime.engine.start(state.id)
                started += 1
    if started:
        log.info("started containers that the engine had stopped", extra={"fields": {"count": started}})
    return started
