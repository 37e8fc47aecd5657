"""One start of an install, step by step, each standing on the ones before it."""

import contextlib
import http.client
import json
import os
from dataclasses import dataclass, field

from stack import base_image, engine, postgres, roles, valkey
from stack.engine_api import EngineError
from stack.errors import StackError
from stack.gateway import ensure_gateway, listen_addresses, remove_gateway
from stack.home import Home, InstallState
from stack.logs import say
from stack.ports import LOOPBACK, is_free
from stack.ready import ReadyNote, write_ready
from stack.settings import StackSettings
from stack.supervisor import Supervisor

DEMO_EMAIL = "demo@berth.localhost"
SERVER_SECONDS = 30.0
WEB_SECONDS = 60.0


@dataclass
class Install:
    """What a start knows so far; each step below adds to it."""

    settings: StackSettings
    home: Home
    supervisor: Supervisor
    state: InstallState = field(repr=False)
    gateway: str = ""
    database_url: str = field(default="", repr=False)
    tenant_database_url: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)
    note: ReadyNote | None = None

    def publish(self) -> None:
        """Write the ready note with the process ids of the moment, once there is one."""
        if self.note is not None:
            pids = {**self.supervisor.pids(), "supervisor": os.getpid()}
            write_ready(self.home.ready_file, self.note, pids)


def check_settings(install: Install) -> None:
    """StackError for what cannot work, before anything is started."""
    settings = install.settings
    _require_free(settings.bind, settings.port, "set BERTH_PORT to another one")
    if not settings.database_url:
        _require_free(LOOPBACK, install.state.postgres_port, "this install's PostgreSQL needs it")
    if not settings.redis_url:
        _require_free(LOOPBACK, install.state.valkey_port, "this install's Valkey needs it")
    if settings.database_url or settings.redis_url:
        _run_part(install, "check", "stack.external")


def start_engine(install: Install) -> None:
    """Find a Docker engine; where root may, install and start one."""
    host = install.settings.docker_host
    if engine.is_available(host):
        say("stack", f"Docker engine at {host}")
        return
    _run_part(install, "engine", "stack.engine")
    if not engine.is_available(host):
        say("stack", "starting dockerd; it stops with Berth, and its containers with it")
        install.supervisor.start("dockerd", engine.dockerd_command())
        install.supervisor.wait_ready("dockerd", lambda: engine.is_available(host), engine.START_SECONDS)


def open_gateway(install: Install) -> None:
    """Give this machine an address that the containers reach, the same at every start."""
    settings = install.settings
    install.gateway = settings.host_gateway
    if not install.gateway:
        api, state = engine.api(settings.docker_host), install.state
        found = ensure_gateway(api, state.install_id, settings.network_range, state.gateway_subnet)
        install.state = install.home.remember_subnet(state, found.subnet)
        install.gateway = found.address
    if settings.bind == LOOPBACK:
        _require_free(install.gateway, settings.port, "set BERTH_PORT to another one")


def close_gateway(install: Install) -> None:
    """Remove the gateway network; an engine that no longer answers has nothing left to remove."""
    if install.gateway and not install.settings.host_gateway:
        with contextlib.suppress(EngineError):
            remove_gateway(engine.api(install.settings.docker_host), install.state.install_id)


def start_postgres(install: Install) -> None:
    """Start the embedded PostgreSQL unless the operator brought one."""
    if install.settings.database_url:
        install.database_url = install.settings.database_url
        install.tenant_database_url = os.environ.get("TENANT_DATABASE_ADMIN_URL") or ""
        return
    state = install.state
    cluster = postgres.Cluster(
        install.home.folder / "postgres",
        state.postgres_port,
        postgres.Passwords(state.postgres_admin_password, state.postgres_berth_password),
        listen_addresses(install.gateway),
        str(install.settings.network_range),
    )
    postgres.prepare(cluster)
    install.supervisor.start("postgres", postgres.command(cluster))
    install.supervisor.wait_ready("postgres", lambda: postgres.is_ready(cluster), SERVER_SECONDS)
    postgres.ensure_roles(cluster)
    install.database_url, install.tenant_database_url = cluster.url, cluster.admin_url


def start_valkey(install: Install) -> None:
    """Start the embedded Valkey unless the operator brought one."""
    if install.settings.redis_url:
        install.redis_url = install.settings.redis_url
        return
    state = install.state
    store = valkey.Store(install.home.folder / "valkey", state.valkey_port, state.valkey_password)
    valkey.prepare(store)
    install.supervisor.start("valkey", valkey.command(store))
    install.supervisor.wait_ready("valkey", lambda: valkey.is_ready(store), SERVER_SECONDS)
    install.redis_url = store.url


def write_settings(install: Install) -> None:
    """Write what Berth's processes and `flask …` read as their settings."""
    settings, state = install.settings, install.state
    install.home.write_environment(
        {
            "BERTH_HOME": str(install.home.folder),
            "BERTH_INSTALL_ID": state.install_id,
            "BERTH_PORT": str(settings.port),
            "BERTH_BIND": settings.bind,
            "BERTH_ROUTING": settings.routing,
            "BASE_DOMAIN": settings.base_domain,
            "PUBLIC_URL": settings.public_url,
            "EDGE_URL": f"http://{settings.local_address}:{settings.port}",
            "TOOL_API_URL": f"http://{install.gateway}:{settings.port}",
            "DATABASE_URL": install.database_url,
            "REDIS_URL": install.redis_url,
            "INTEGRATION_ENCRYPTION_KEY": state.encryption_key,
            "TENANT_DATABASE_ADMIN_URL": install.tenant_database_url,
            "TENANT_DATABASE_HOST": install.gateway,
            "TENANT_DATABASE_PORT": str(state.postgres_port),
            "HOST_GATEWAY": install.gateway,
            "NETWORK_RANGE": str(settings.network_range),
            "DOCKER_HOST": settings.docker_host,
            "ARTIFACT_DIR": str(install.home.artifacts),
            "BILLING_MODE": "manual",
        }
    )


def migrate(install: Install) -> None:
    """Bring the database to the newest migration."""
    code, last_line = install.supervisor.run_once("migrate", roles.flask(install.home, "db", "upgrade"))
    if code != 0:
        raise StackError(f"the migration failed: {last_line}")


def start_berth(install: Install) -> None:
    """Start web, worker and beat and wait for the first answer."""
    supervisor, home = install.supervisor, install.home
    supervisor.start("web", roles.web(home))
    supervisor.start("worker", roles.worker(home))
    supervisor.wait_ready("web", lambda: _answers(install.settings), WEB_SECONDS)
    # Nothing waits for the clock, so it does not compete for the processor before.
    supervisor.start("beat", roles.beat(home))


def make_base_image(install: Install) -> None:
    """Have the examples' Python base image in the engine."""
    if not base_image.exists(engine.api(install.settings.docker_host)):
        _run_part(install, "image", "stack.base_image")


def show_demo(install: Install) -> None:
    """Seed the install, deploy the demo tool or find it running, and note how to use it."""
    _run_part(install, "demo", "stack.demo")
    seen = json.loads((install.home.run / "demo.json").read_text())
    install.note = ReadyNote(
        url=install.settings.public_url,
        email=DEMO_EMAIL,
        password=install.state.demo_password,
        tenant_slug=seen["tenant_slug"],
        demo_url=seen["demo_url"],
        docker_host=install.settings.docker_host,
    )


STEPS = (
    check_settings,
    start_engine,
    open_gateway,
    start_postgres,
    start_valkey,
    write_settings,
    migrate,
    start_berth,
    make_base_image,
    show_demo,
)


def _run_part(install: Install, role: str, name: str) -> None:
    """Run a part as a process of its own; StackError with its last line when it fails."""
    code, last_line = install.supervisor.run_once(role, roles.module(install.home, name))
    if code != 0:
        raise StackError(last_line or f"{role} failed with code {code}", exit_code=max(code, 1))


def _require_free(address: str, port: int, advice: str) -> None:
    if not is_free(address, port):
        raise StackError(f"port {port} on {address} is in use: {advice}")


def _answers(settings: StackSettings) -> bool:
    connection = http.client.HTTPConnection(settings.local_address, settings.port, timeout=5)
    try:
        connection.request("GET", "/api/auth/me")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
