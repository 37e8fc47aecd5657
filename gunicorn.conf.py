"""gunicorn's settings: a gevent worker, listening on this machine and where the containers reach it."""

import os
from typing import Any

from app.core.config import load_settings

_settings = load_settings()
_addresses = [os.environ.get("BERTH_BIND") or "127.0.0.1", _settings.host_gateway]

bind = [f"{address}:{_settings.port}" for address in dict.fromkeys(_addresses) if address]
worker_class = "gevent"
workers = 1
# An idle event stream holds a connection; the default of 1,000 would be the limit of open streams.
worker_connections = 2000
# Loaded in the worker, after gevent has patched the standard library, and not a second time in its parent.
preload_app = False
# Its socket stands in the user's home, where a second install would take it over.
control_socket_disable = True
graceful_timeout = 10
timeout = 60
keepalive = 75
accesslog = None
errorlog = "-"
loglevel = "warning"


def post_fork(server: Any, worker: Any) -> None:
    """Let other greenlets run while one waits for the database."""
    # Here and not above: the parent serves nothing and need not carry the database's code.
    from app.core.db import install_gevent_wait

    install_gevent_wait()
