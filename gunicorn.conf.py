"""gunicorn's settings: gevent workers, listening on this machine and where the containers reach it."""

import os
from typing import Any

from gevent import monkey

# Before anything else is imported: the application is loaded here, in the parent of the workers, and a lock
# that was made before the patch would stop every greenlet of a process.
monkey.patch_all()

from app.core.config import load_settings  # noqa: E402
from app.core.db import install_gevent_wait  # noqa: E402

_settings = load_settings()
_addresses = [os.environ.get("BERTH_BIND") or "127.0.0.1", _settings.host_gateway]

bind = [f"{address}:{_settings.port}" for address in dict.fromkeys(_addresses) if address]
worker_class = "gevent"
workers = 1
# An idle event stream holds a connection; the default of 1,000 would be the limit of open streams.
worker_connections = 2000
# Loaded once before the fork: the workers share the memory of the code.
preload_app = True
graceful_timeout = 10
timeout = 60
keepalive = 75
accesslog = None
errorlog = "-"
loglevel = "warning"


def post_fork(server: Any, worker: Any) -> None:
    """Let other greenlets run while one waits for the database."""
    install_gevent_wait()
