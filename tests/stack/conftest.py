"""Real servers and a real engine for the tests of the stack."""

import ipaddress
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import base_image, engine, gateway, ports, postgres
from stack.engine_api import EngineApi


@pytest.fixture(scope="session")
def api() -> EngineApi:
    """Calls to a working engine."""
    return engine.api(engine.require())


@pytest.fixture(scope="session")
def base(api: EngineApi) -> str:
    """The Python base image, present in the engine."""
    base_image.ensure_base_image(api.docker_host)
    return base_image.IMAGE


@pytest.fixture
def install_id(api: EngineApi) -> Iterator[str]:
    """A new install's id; its gateway network is removed afterwards."""
    name = uuid.uuid4().hex
    yield name
    gateway.remove_gateway(api, name)


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.RunningPostgres]:
    """A PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="berth-test-") as folder:
        server = postgres.start(Path(folder) / "pg", ports.free_port())
        yield server
        server.stop()


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """A folder for a server's data; pytest closes its own to the user that runs the servers."""
    with tempfile.TemporaryDirectory(prefix="berth-test-") as folder:
        yield Path(folder)


@pytest.fixture
def home_folder(tmp_path: Path) -> Path:
    """A folder for an install."""
    return tmp_path / "home"


@pytest.fixture
def other_network(api: EngineApi, install_id: str) -> Iterator[str]:
    """A network as a deployment has one, away from the gateway's."""
    body = {"Name": f"berth-test-{install_id[:8]}", "Labels": {"berth.install": f"test-{install_id}"}}
    subnet = gateway.own_subnet(f"other-{install_id}", ipaddress.IPv4Network(postgres.DEFAULT_NETWORK))
    network = api.call("POST", "/networks/create", {**body, "IPAM": {"Config": [{"Subnet": subnet}]}})
    yield network["Id"]
    api.call("DELETE", f"/networks/{network['Id']}")
