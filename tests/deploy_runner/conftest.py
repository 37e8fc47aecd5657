"""A real engine, a tiny image made from busybox alone, and deployments that clean up after themselves."""

import secrets
from collections.abc import Iterator

import docker
import pytest

from deploy_runner.engines.docker import DockerEngine
from deploy_runner.steps.teardown import remove_deployment
from tests.deploy_runner.plans import Deployment, free_subnet
from tests.images import imported_busybox


@pytest.fixture(scope="session")
def raw(docker_host: str) -> Iterator[docker.APIClient]:
    """The engine seen without Berth's code."""
    client = docker.APIClient(docker_host, version="auto")
    yield client
    client.close()


@pytest.fixture(scope="session")
def busybox(raw: docker.APIClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The reference of a 2 MB image with a shell and a web server."""
    with imported_busybox(raw, tmp_path_factory.mktemp("busybox")) as reference:
        yield reference


@pytest.fixture(scope="session")
def install_id() -> str:
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture(scope="session")
def engine(docker_host: str, install_id: str) -> Iterator[DockerEngine]:
    opened = DockerEngine(docker_host, install_id)
    yield opened
    opened.close()


@pytest.fixture
def deployment(engine: DockerEngine, install_id: str, busybox: str) -> Iterator[Deployment]:
    """A deployment that has not touched the engine yet; whatever it makes is removed at the end."""
    made = Deployment(install_id, secrets.token_hex(16), busybox, free_subnet(engine))
    yield made
    remove_deployment(engine, install_id, made.id, keep_volumes=False)
    for image in engine.list_owned(install_id, made.id).images:
        engine.remove_image(image.id)


@pytest.fixture
def network_id(engine: DockerEngine, deployment: Deployment) -> str:
    return engine.ensure_network(deployment.network, deployment.labels())
