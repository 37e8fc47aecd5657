"""A tool that anybody may deploy, and an end to every operation that a test leaves behind."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete

from app.core.platform import Platform
from app.deployments.operation_models import WorkerHeartbeat
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


@pytest.fixture(autouse=True)
def settled(platform: Platform) -> Iterator[None]:
    yield
    settle_operations(platform)
    with platform.database.transaction() as session:
        session.execute(delete(WorkerHeartbeat))
