"""A tool that anybody may deploy, and an end to every operation that a test leaves behind."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.core.platform import Platform
from app.core.queue import Queue
from app.deployments.naming import parse_deployment_id
from app.deployments.operation_models import Operation, WorkerHeartbeat
from app.deployments.rollout import collect_secrets, get_parties, snapshot_template
from stack.ports import free_port
from tests.app.deployments.orders import app_with
from tests.app.deployments.resolved import Run
from tests.app.deployments.runtime_apps import KEYS, PATH, Build, ReadConnections
from tests.factories import (
    Workspace,
    make_workspace,
    plain_manifest,
    post_deploy,
    publish_tool,
    settle_operations,
)

Publish = Callable[..., str]
Start = Callable[..., Run]


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


@pytest.fixture
def start(platform: Platform, session: Session, workspace: Workspace) -> Start:
    """Deploy a plain tool with some keys replaced, up to `resolve_env`, in the test's own transaction."""
    settings = dataclasses.replace(
        platform.settings, tenant_database_host="10.9.0.1", base_domain="apps.example.com", port=8080
    )
    placed = dataclasses.replace(platform, settings=settings)

    def run(body: dict[str, Any] | None = None, **changes: Any) -> Run:
        slug = publish_tool(platform, plain_manifest(**changes))
        answer = post_deploy(workspace, slug, deploymentSlug="crm", **(body or {}))
        assert answer.status_code == 201, answer.text
        found = parse_deployment_id(answer.json["deploymentId"])
        operation_id = session.scalars(select(Operation.id).where(Operation.deployment_id == found)).one()
        parties = get_parties(session, operation_id)
        snapshot_template(session, parties)
        collect_secrets(session, placed, parties)
        return Run(session, placed, parties)

    return run


@pytest.fixture
def resolve(start: Start) -> Start:
    def run(body: dict[str, Any] | None = None, **changes: Any) -> Run:
        found = start(body, **changes)
        assert found.resolve() == len(found.rows)
        return found

    return run


@pytest.fixture
def read_connections(client: FlaskClient, platform: Platform) -> ReadConnections:
    """Commit what `build` makes, then ask with the key of the app it returns."""

    def ask(build: Build, query: str = "") -> list[dict[str, Any]]:
        with platform.database.transaction() as session:
            tenancy = build(session)
        response = client.get(PATH + query, headers=tenancy.headers)
        assert response.status_code == 200, response.text
        assert response.json is not None
        entries: list[dict[str, Any]] = response.json["connections"]
        assert all(set(entry) == KEYS for entry in entries)
        return entries

    return ask


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
