"""A tool that anybody may deploy, and an end to every operation that a test leaves behind."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete

from app.core.platform import Platform
from app.core.queue import Queue
from app.deployments.operation_models import WorkerHeartbeat
from stack.ports import free_port
from tests.app.deployments.orders import app_with
from tests.factories import Workspace, make_workspace, plain_manifest, publish_tool, settle_operations

Publish = Callable[..., str]


@pytest.fixture(scope="session")
def tool(platform: Platform) -> str:
    """The slug of a tool with one service and no needs."""
    return publish_tool(platform, plain_manifest())


@pytest.fixture
def publish(platform: Platform) -> Publish:
    """Publish a plain tool with some keys replaced: `publish(integrations=[…])` gives its slug."""

    def run(**changes: Any) -> str:
        return publish_tool(platform, plain_manifest(**changes))

    return run


@pytest.fixture
def other(app: Flask, platform: Platform) -> Workspace:
    """Somebody else's workspace."""
    return make_workspace(app, platform)


@pytest.fixture
def brokerless(app: Flask) -> Iterator[Flask]:
    """A web process whose broker is gone, on the same database."""
    with app_with(app) as cut:
        queue = Queue()
        queue._celery.conf.broker_url = f"redis://127.0.0.1:{free_port()}/0"
        cut.extensions["berth"] = dataclasses.replace(cut.extensions["berth"], queue=queue)
        yield cut


@pytest.fixture(autouse=True)
def settled(platform: Platform) -> Iterator[None]:
    """No worker has reported, and no operation waits when the test is over."""
    forget_workers(platform)
    yield
    settle_operations(platform)
    forget_workers(platform)


def forget_workers(platform: Platform) -> None:
    with platform.database.transaction() as session:
        session.execute(delete(WorkerHeartbeat))
