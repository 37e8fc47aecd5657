"""A whole Berth on this machine: its own servers, a gateway, gunicorn, and workers that may be killed."""

import base64
import ipaddress
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import requests

from app import models as _every_table  # noqa: F401  foreign keys between slices resolve once all are known
from app.catalog.artifact_store import store_artifact
from app.catalog.integrations import seed_integrations
from app.catalog.publishing import Publication, publish_tool
from app.core.config import load_settings
from app.core.platform import Platform, create_platform
from stack import engine, gateway, ports, postgres, process, valkey
from stack.engine_api import EngineApi
from stack.process import Command
from stack.settings import CHECKOUT

NETWORK_RANGE = "10.206.0.0/16"
WORKERS = 2
_WORKER = (
    *("celery", "-q", "-A", "workers.celery_app", "worker", "-P", "threads", "-c", "8"),
    *("-Q", "deploys,default", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"),
)


@dataclass
class Servers:
    """PostgreSQL and Valkey; Valkey can be killed and come back on its data."""

    folder: Path
    database: postgres.RunningPostgres
    queue: valkey.RunningValkey
    queue_port: int
    queue_password: str = field(repr=False)

    @classmethod
    def start(cls, folder: Path, gateway_address: str) -> "Servers":
        listen = gateway.listen_addresses(gateway_address)
        database = postgres.start(folder / "postgres", ports.free_port(), listen)
        port, password = ports.free_port(), secrets.token_hex(16)
        return cls(folder, database, valkey.start(folder / "valkey", port, password), port, password)

    def kill_queue(self) -> None:
        self.queue.process.kill()
        self.queue.process.wait()

    def revive_queue(self) -> None:
        self.queue = valkey.start(self.folder / "valkey", self.queue_port, self.queue_password)

    def stop(self) -> None:
        self.queue.stop()
        self.database.stop()


@dataclass
class Worker:
    """One Celery worker process."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def signal(self, what: signal.Signals) -> None:
        os.kill(self.process.pid, what)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Stack:
    """What a test talks to; `environment` is what every process of it was given."""

    folder: Path
    environment: dict[str, str] = field(repr=False)
    servers: Servers
    platform: Platform
    engine: docker.APIClient
    web: "subprocess.Popen[bytes] | None" = None
    workers: list[Worker] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.environment["PUBLIC_URL"]

    @property
    def install_id(self) -> str:
        return self.environment["BERTH_INSTALL_ID"]

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def start(self) -> None:
        """Migrate, then have web and workers answer."""
        (self.folder / "logs").mkdir()
        assert self.run("migrate", "flask", "db", "upgrade").wait() == 0, self.read_logs()
        with self.platform.database.transaction() as session:
            seed_integrations(session)
        self.web = self.run("web", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:app")
        self.keep_workers()
        assert ports.wait_until(self._answers, 60.0), self.read_logs()

    def run(self, name: str, program: str, *arguments: str, **changes: str) -> "subprocess.Popen[bytes]":
        """Start a program of the checkout; what it says goes to a file of its own."""
        argv = (str(Path(sys.executable).with_name(program)), *arguments)
        log = os.open(self.logs / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return process.spawn(Command(argv, CHECKOUT, {**self.environment, **changes}), log)
        finally:
            os.close(log)

    def start_worker(self, **changes: str) -> Worker:
        name = f"worker-{secrets.token_hex(3)}"
        started = Worker(self.run(name, *_WORKER, "-n", f"{name}@%h", **changes), self.logs / f"{name}.log")
        self.workers.append(started)
        return started

    def keep_workers(self) -> None:
        """What the supervisor does: as many workers as there should be, fresh ones for those that ended."""
        self.workers = [worker for worker in self.workers if worker.is_alive]
        for _ in range(len(self.workers), WORKERS):
            self.start_worker()

    def kill_workers(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.workers.clear()

    def stop(self) -> None:
        """End every process, in the order of `make up`."""
        for started in [*filter(None, [self.web]), *(worker.process for worker in self.workers)]:
            process.stop(started)
        self.platform.database.engine.dispose()
        self.servers.stop()

    def publish(self, document: Mapping[str, Any], source_commit: str | None = None) -> str:
        """Bring a manifest into the catalog; returns its slug."""
        publication = Publication(document=dict(document), source_commit=source_commit)
        with self.platform.database.transaction() as session:
            publish_tool(session, self.platform.cache, publication)
        return str(document["slug"])

    def store_artifact(self, key: str, archive: Path) -> str:
        store_artifact(self.platform.settings.artifact_path, key, archive)
        return key

    def read_logs(self) -> str:
        """Everything that any process of this stack has said."""
        files = [*self.logs.glob("*.log"), *self.folder.glob("*/server.log")]
        return "\n".join(path.read_text(errors="replace") for path in files)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/api/auth/me", timeout=5).status_code == 200
        except requests.RequestException:
            return False


def start_stack() -> Stack:
    """A stack with every process running; `stop_stack` ends it."""
    api = engine.api(engine.require())
    install_id = f"e2e-{secrets.token_hex(6)}"
    # Not in pytest's own folder: each new pytest run closes that one to the user that runs PostgreSQL.
    folder = Path(tempfile.mkdtemp(prefix="berth-e2e-"))
    found = gateway.ensure_gateway(api, install_id, ipaddress.IPv4Network(NETWORK_RANGE))
    servers = Servers.start(folder, found.address)
    environment = _environment(folder, install_id, found.address, servers)
    platform = create_platform(load_settings(environment), "berth-test")
    stack = Stack(folder, environment, servers, platform, docker.APIClient(version="auto", timeout=60))
    stack.start()
    return stack


def stop_stack(stack: Stack) -> None:
    """End a stack, its gateway and its folder."""
    stack.stop()
    gateway.remove_gateway(_api(), stack.install_id)
    stack.engine.close()
    shutil.rmtree(stack.folder)


def _api() -> EngineApi:
    return engine.api(engine.require())


def _environment(folder: Path, install_id: str, address: str, servers: Servers) -> dict[str, str]:
    port = ports.free_port(address)
    return {
        "BERTH_HOME": str(folder),
        "BERTH_INSTALL_ID": install_id,
        "BERTH_PORT": str(port),
        "BERTH_ROUTING": "path",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "EDGE_URL": f"http://127.0.0.1:{port}",
        "TOOL_API_URL": f"http://{address}:{port}",
        "DATABASE_URL": servers.database.url,
        "TENANT_DATABASE_ADMIN_URL": servers.database.admin_url,
        "TENANT_DATABASE_HOST": address,
        "TENANT_DATABASE_PORT": servers.database.url.rpartition(":")[2].partition("/")[0],
        "REDIS_URL": servers.queue.url,
        "INTEGRATION_ENCRYPTION_KEY": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "HOST_GATEWAY": address,
        "NETWORK_RANGE": NETWORK_RANGE,
        "ARTIFACT_DIR": str(folder / "artifacts"),
        "SSL_CERT_FILE": str(folder / "trusted.pem"),
        "DEPLOY_LIMIT": "100000 per hour",
        "TENANT_LIMIT": "100000 per hour",
        "SIGN_IN_LIMIT": "100000 per minute",
        "BALANCE_LIMIT": "100000 per minute",
        "PYTHONUNBUFFERED": "1",
    }
