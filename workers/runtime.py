"""What a worker process holds: the platform, the engine, and its own name."""

import os
import secrets
import socket
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import event

from app import models as _every_table  # noqa: F401  foreign keys between slices resolve once all are known
from app.core.config import load_settings
from app.core.logs import configure_logging
from app.core.platform import Platform, create_platform
from deploy_runner.engines.base import Engine
from deploy_runner.engines.docker import DockerEngine


@dataclass(frozen=True)
class Runtime:
    platform: Platform
    engine: Engine
    worker: str


@cache
def get_runtime() -> Runtime:
    """The one of this process, made at first use."""
    settings = load_settings()
    configure_logging(settings)
    engine = DockerEngine(settings.docker_host or None, settings.install_id)
    worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
    platform = create_platform(settings, "berth-worker")
    bound_idle_transactions(platform)
    return Runtime(platform, engine, worker)


def bound_idle_transactions(platform: Platform) -> None:
    """Let the server end a transaction that stands still for a whole lease.

    A worker that freezes inside one would hold the row of its operation, and nobody could take it over.
    """
    milliseconds = platform.settings.lease_seconds * 1000

    @event.listens_for(platform.database.engine, "connect")
    def set_limit(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = %s", (milliseconds,))
        connection.commit()
