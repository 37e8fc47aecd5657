"""What a worker process holds: the platform, the engine, and its own name."""

import os
import secrets
import socket
from dataclasses import dataclass
from functools import cache

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
    return Runtime(create_platform(settings, "berth-worker"), engine, worker)
