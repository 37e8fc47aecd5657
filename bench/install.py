"""A throw-away install with production settings: started for one bench, removed without residue."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import docker

from bench import cleaning
from bench.api import Api
from bench.children import Children
from stack import install as steps
from stack import ports, roles
from stack.client import BerthClient
from stack.errors import StackError
from stack.home import Home
from stack.install import Install
from stack.seed import Seed, ensure_workspace, sign_in
from stack.settings import read_settings
from stack.supervisor import Supervisor

EMAIL = "bench@berth.localhost"
UNLIMITED = "1000000 per minute"
_FOREIGN = (
    "DATABASE_URL",
    "REDIS_URL",
    "BASE_DOMAIN",
    "PUBLIC_URL",
    "BERTH_ROUTING",
    "BERTH_BIND",
    "HOST_GATEWAY",
)
_STEPS = (
    steps.start_engine,
    steps.open_gateway,
    steps.start_postgres,
    steps.start_valkey,
    steps.write_settings,
    steps.migrate,
    steps.start_berth,
    steps.make_base_image,
)


@dataclass(frozen=True)
class Bench:
    """A running install, its signed-in owner, and the engine seen without Berth's code."""

    install: Install
    children: Children
    api: Api
    tenant_slug: str

    @property
    def id(self) -> str:
        return self.install.state.install_id

    @property
    def home(self) -> Home:
        return self.install.home

    @property
    def port(self) -> int:
        return self.install.settings.port

    @property
    def admin_url(self) -> str:
        """Berth's own database as the server's superuser."""
        return self.install.tenant_database_url.rsplit("/", 1)[0] + "/berth"

    @cached_property
    def engine(self) -> docker.APIClient:
        return docker.APIClient(self.install.settings.docker_host, version="auto")

    def inspect(self, deployment_id: str) -> dict[str, Any]:
        """The one container of a deployment as the engine describes it."""
        marks = [f"berth.install={self.id}", f"berth.deployment={as_label(deployment_id)}"]
        found = self.engine.containers(filters={"label": marks})
        if len(found) != 1:
            raise StackError(f"{deployment_id} has {len(found)} containers, not one")
        return dict(self.engine.inspect_container(found[0]["Id"]))

    def read_variable(self, deployment_id: str, name: str) -> str:
        """What the container got under this name."""
        pairs: Iterator[tuple[str, str, str]] = (
            entry.partition("=") for entry in self.inspect(deployment_id)["Config"]["Env"]
        )
        return {key: value for key, _, value in pairs}[name]

    def find_published_port(self, deployment_id: str) -> int:
        """Where the container answers on this machine."""
        (bindings,) = self.inspect(deployment_id)["HostConfig"]["PortBindings"].values()
        return int(bindings[0]["HostPort"])

    def start_web(self, role: str, application: str) -> int:
        """Serve another WSGI application with the web process's own settings; returns its port."""
        command, port = roles.web(self.home), ports.free_port()
        environment = {**command.environment, "BERTH_PORT": str(port)}
        argv = (*command.argv[:-1], application)
        self.children.start(role, replace(command, argv=argv, environment=environment))
        self.children.wait_ready(role, lambda: not ports.is_free(ports.LOOPBACK, port), 30)
        return port


def as_label(deployment_id: str) -> str:
    """How an engine's labels write the id that the API calls `dpl_...`."""
    return deployment_id.removeprefix("dpl_").replace("-", "")


@contextmanager
def running_install() -> Iterator[Bench]:
    """Start PostgreSQL, Valkey, web, worker and beat in a home of their own; remove everything at the end."""
    folder = Path(tempfile.mkdtemp(prefix="berth-bench-"))
    with _environment(folder):
        settings, home = read_settings(), Home(folder)
        home.create()
        children = Children(home.logs)
        # Ports of its own: several installs may be starting on this machine.
        state = replace(home.load_state(), postgres_port=ports.free_port(), valkey_port=ports.free_port())
        home.save_state(state)
        install = Install(settings, home, cast(Supervisor, children), state)
        try:
            # What the set-up says is no result.
            with redirect_stdout(sys.stderr):
                for step in _STEPS:
                    step(install)
                bench = _sign_in(install, children)
            yield bench
        finally:
            children.stop(roles.STOP_ORDER)
            cleaning.remove_everything(settings.docker_host, install.state.install_id)
            steps.close_gateway(install)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _environment(folder: Path) -> Iterator[None]:
    """Point this process and its children at the new home, whatever the caller's environment says."""
    before = dict(os.environ)
    os.environ.update(
        BERTH_HOME=str(folder),
        BERTH_PORT=str(ports.free_port()),
        NETWORK_RANGE="10.220.0.0/16",
        DEPLOY_LIMIT=UNLIMITED,
        TENANT_LIMIT=UNLIMITED,
        SIGN_IN_LIMIT=UNLIMITED,
        BALANCE_LIMIT=UNLIMITED,
        # Code is compiled once, as in an install that has run before, without a trace in the checkout.
        PYTHONPYCACHEPREFIX=str(folder / "pycache"),
    )
    for name in (*_FOREIGN, "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _sign_in(install: Install, children: Children) -> Bench:
    settings, password = install.settings, install.state.demo_password
    address = f"http://{settings.local_address}:{settings.port}"
    seed = Seed(BerthClient(address, settings.public_url), install.home, EMAIL, password)
    sign_in(seed)
    tenant = ensure_workspace(seed)
    api = Api(settings.local_address, settings.port, settings.public_url)
    api.sign_in(EMAIL, password)
    return Bench(install, children, api, tenant["slug"])
