"""Keeping a lease: a thread that extends it while the workflow runs."""

import logging
import threading
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError

from app.core.platform import Platform
from app.deployments.operations import Claim, FenceLostError, extend_lease

log = logging.getLogger(__name__)


class Heartbeat:
    """Extends the lease of a claim until the block ends or the fence is lost."""

    def __init__(self, platform: Platform, claim: Claim) -> None:
        self._platform = platform
        self._claim = claim
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease-{claim.operation_id}", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        settings = self._platform.settings
        while not self._ended.wait(settings.heartbeat_seconds):
            try:
                with self._platform.database.transaction() as session:
                    extend_lease(session, self._claim, settings.lease_seconds)
            except FenceLostError:
                return
            except SQLAlchemyError as error:
                # One missed beat is nothing: the lease is four beats long.
                log.warning("lease not extended: %s", type(error).__name__)
