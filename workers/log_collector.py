"""Container output on its way into rows: one worker follows every owned container, line by line.

Redaction happens here, before anything is stored. Lines carry the engine's nanoseconds, so following
again after a gap stores none twice.
"""

import logging
import queue
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from app.deployments.collecting import (
    FollowedContainer,
    find_followed,
    hold_collector_lock,
)
from app.deployments.logs import append_container_logs
from app.deployments.rollout import list_secret_values
from deploy_runner.engines.base import LogLine, Stream
from deploy_runner.errors import StepError
from deploy_runner.plan import parse_container_name
from workers.redaction import Redactor
from workers.runtime import Runtime

log = logging.getLogger(__name__)

_FLUSH_SECONDS = 0.3
_RETRY_SECONDS = 5.0
_MOST_LINES = 1000
_NANO = 1_000_000_000


@dataclass(frozen=True)
class _Line:
    container_id: str
    service: str
    followed: FollowedContainer
    line: LogLine


class LogCollector:
    """Runs in every worker; the one that holds the lock collects."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ended = threading.Event()
        self._lines: queue.Queue[_Line] = queue.Queue(maxsize=20_000)
        self._following: set[str] = set()
        self._guard = threading.Lock()
        self._streams: set[Stream[Any]] = set()

    def start(self) -> None:
        for target in (self._collect_while_leader, self._store_forever):
            threading.Thread(target=target, name=target.__name__.strip("_"), daemon=True).start()

    def stop(self) -> None:
        self._ended.set()
        with self._guard:
            for stream in self._streams:
                stream.close()

    def _collect_while_leader(self) -> None:
        while not self._ended.is_set():
            try:
                with hold_collector_lock(self._runtime.platform.database) as is_leader:
                    if is_leader:
                        self._collect()
            except (SQLAlchemyError, StepError) as error:
                log.warning("log collection interrupted: %s", type(error).__name__)
            self._ended.wait(_RETRY_SECONDS)

    def _collect(self) -> None:
        """Follow what runs now and whatever starts later, until the event stream ends."""
        engine, install_id = self._runtime.engine, self._runtime.platform.settings.install_id
        starts = self._opened(engine.watch_starts(install_id))
        for container in engine.list_owned(install_id).containers:
            self._follow(container.id, container.name)
        for state in starts:
            self._follow(state.id, state.name)

    def _follow(self, container_id: str, name: str) -> None:
        owner = parse_container_name(name)
        with self._guard:
            if owner is None or container_id in self._following:
                return
            self._following.add(container_id)
        arguments = (container_id, *owner)
        threading.Thread(target=self._read, args=arguments, name=f"logs-{name}", daemon=True).start()

    def _read(self, container_id: str, deployment_id: str, service: str) -> None:
        try:
            followed, redactor = self._prepare(container_id, UUID(deployment_id))
            stream = self._opened(self._runtime.engine.follow_logs(container_id, followed.last_timestamp_ns))
            for line in stream:
                clean = LogLine(line.timestamp_ns, line.stream, redactor.clean(line.message))
                self._lines.put(_Line(container_id, service, followed, clean))
        except (SQLAlchemyError, StepError) as error:
            log.warning("a container's output was lost for now: %s", type(error).__name__)
        finally:
            with self._guard:
                self._following.discard(container_id)

    def _prepare(self, container_id: str, deployment_id: UUID) -> tuple[FollowedContainer, Redactor]:
        platform = self._runtime.platform
        with platform.database.transaction() as session:
            followed = find_followed(session, deployment_id, container_id)
            return followed, Redactor(list_secret_values(session, platform, deployment_id))

    def _opened(self, stream: Stream[Any]) -> Stream[Any]:
        with self._guard:
            self._streams.add(stream)
        return stream

    def _store_forever(self) -> None:
        while not self._ended.is_set():
            batch = self._take_batch()
            try:
                with self._runtime.platform.database.transaction() as session:
                    append_container_logs(session, [_row(item) for item in batch])
            except SQLAlchemyError as error:
                log.warning("%s container lines not stored: %s", len(batch), type(error).__name__)

    def _take_batch(self) -> list[_Line]:
        batch = [self._lines.get()]
        self._ended.wait(_FLUSH_SECONDS)
        while len(batch) < _MOST_LINES and not self._lines.empty():
            batch.append(self._lines.get())
        return batch


def _row(item: _Line) -> dict[str, Any]:
    return {
        "deployment_id": item.followed.deployment_id,
        "container_id": item.container_id,
        "service": item.service,
        "attempt": item.followed.attempt,
        "stream": item.line.stream,
        "timestamp_ns": item.line.timestamp_ns,
        "message": item.line.message,
        "logged_at": datetime.fromtimestamp(item.line.timestamp_ns / _NANO, UTC),
    }
