"""One real Berth for all of these tests; what it made on the engine is gone at the end, by its own hand."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import docker
import pytest
from sqlalchemy import func, select

from app.deployments.models import Deployment
from stack import base_image, engine
from tests.e2e.owner import Owner, opened_owner
from tests.e2e.stack import Stack, start_stack, stop_stack
from tests.e2e.witness import Witness
from tests.images import imported_busybox

LAST = "test_secrecy"
GONE_SECONDS = 90.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Within this folder the search for secrets comes last: it goes through what all the others have left."""
    places = [place for place, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    mine = sorted((items[place] for place in places), key=lambda item: item.path.stem == LAST)
    for place, item in zip(places, mine, strict=True):
        items[place] = item


@pytest.fixture(scope="package")
def after_stack() -> Iterator[ExitStack]:
    """What must wait until no container of the stack is left."""
    with ExitStack() as endings:
        yield endings


@pytest.fixture(scope="package")
def stack(after_stack: ExitStack) -> Iterator[Stack]:
    """PostgreSQL, Valkey, gunicorn and two workers."""
    started = start_stack()
    try:
        yield started
        started.keep_workers()
        await_all_destroyed(started)
        left = list_left(started)
    finally:
        remove_leftovers(started)
        stop_stack(started)
    assert left == []


@pytest.fixture(scope="package")
def witness(stack: Stack) -> Witness:
    made = Witness()
    made.learn(*stack.environment["DATABASE_URL"].split(":")[2].split("@")[:1])
    made.learn(*stack.environment["TENANT_DATABASE_ADMIN_URL"].split(":")[2].split("@")[:1])
    made.learn(stack.servers.queue_password, stack.environment["INTEGRATION_ENCRYPTION_KEY"].split(":")[1])
    return made


@pytest.fixture(scope="package")
def busybox(docker_host: str, after_stack: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A prebuilt image: a web server whose pages do as they are asked."""
    client = docker.APIClient(docker_host, version="auto")
    after_stack.callback(client.close)
    return after_stack.enter_context(imported_busybox(client, tmp_path_factory.mktemp("busybox")))


@pytest.fixture(scope="package")
def base() -> str:
    """The Python base image, present in the engine."""
    base_image.ensure_base_image(engine.require())
    return base_image.IMAGE


@pytest.fixture
def owner(stack: Stack, witness: Witness) -> Iterator[Owner]:
    with opened_owner(stack, witness) as opened:
        yield opened


def await_all_destroyed(stack: Stack) -> None:
    """Return when every deployment is destroyed; what does not end is found on the engine next."""
    deadline = time.monotonic() + GONE_SECONDS
    alive = select(func.count()).select_from(Deployment).where(Deployment.status != "destroyed")
    while time.monotonic() < deadline:
        with stack.platform.database.session() as session:
            if session.execute(alive).scalar() == 0:
                return
        time.sleep(0.2)


def list_left(stack: Stack) -> list[str]:
    """Containers, networks and volumes of this install; its gateway and its images are no deployment's."""
    chosen = {"label": [f"berth.install={stack.install_id}", "berth.deployment"]}
    containers = [item["Names"][0] for item in stack.engine.containers(all=True, filters=chosen)]
    networks = [item["Name"] for item in stack.engine.networks(filters=chosen)]
    volumes = [item["Name"] for item in stack.engine.volumes(filters=chosen)["Volumes"] or []]
    return [*containers, *networks, *volumes]


def remove_leftovers(stack: Stack) -> None:
    """Built images outlive their deployments, for rollback; and what a failed run left must not stay."""
    chosen = {"label": [f"berth.install={stack.install_id}", "berth.deployment"]}
    for container in stack.engine.containers(all=True, filters=chosen):
        stack.engine.remove_container(container["Id"], force=True, v=True)
    for network in stack.engine.networks(filters=chosen):
        stack.engine.remove_network(network["Id"])
    for volume in stack.engine.volumes(filters=chosen)["Volumes"] or []:
        stack.engine.remove_volume(volume["Name"])
    for image in stack.engine.images(filters={"label": f"berth.install={stack.install_id}"}):
        stack.engine.remove_image(image["Id"], force=True)
