"""A worker without a process: real PostgreSQL, an engine in memory, and an edge that answers."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from app.core.platform import Platform
from app.deployments.models import Deployment
from app.deployments.naming import parse_deployment_id
from app.deployments.operation_models import Operation
from app.deployments.operations import Claim, claim_operation
from tests.factories import Workspace, plain_manifest, post_deploy, publish_tool, settle_operations
from tests.fakes.engine import FakeEngine
from workers.operations import run_claimed
from workers.runtime import Runtime


@pytest.fixture(scope="session")
def edge(app: Flask) -> Iterator[str]:
    """The address of the application on a port of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    made = FakeEngine()
    yield made
    made.close()


@pytest.fixture
def runtime(platform: Platform, edge: str, engine: FakeEngine) -> Iterator[Runtime]:
    settings = replace(platform.settings, edge_url=edge, max_attempts=3)
    yield Runtime(replace(platform, settings=settings), engine, "worker-1")
    settle_operations(platform)


@dataclass(frozen=True)
class Job:
    """An accepted deployment, and a worker's view of its newest operation."""

    runtime: Runtime
    deployment_id: UUID

    def deployment(self) -> Deployment:
        with self.runtime.platform.database.session() as session:
            return session.get_one(Deployment, self.deployment_id)

    def operation(self) -> Operation:
        chosen = select(Operation).where(Operation.deployment_id == self.deployment_id)
        with self.runtime.platform.database.session() as session:
            return session.execute(chosen.order_by(Operation.created_at.desc()).limit(1)).scalar_one()

    def claim(self, worker: str = "worker-1", lease_seconds: int = 20) -> Claim | None:
        with self.runtime.platform.database.transaction() as session:
            return claim_operation(session, self.operation().id, worker, lease_seconds)

    def run(self) -> None:
        claim = self.claim()
        assert claim is not None, "somebody else holds the operation"
        run_claimed(self.runtime, claim)


@pytest.fixture
def accept(platform: Platform, runtime: Runtime, workspace: Workspace) -> Callable[..., Job]:
    """Accept a deploy of a plain tool, its manifest varied by keyword."""

    def make(body: dict[str, Any] | None = None, **changes: Any) -> Job:
        quick = {"readiness": {"healthPath": "/", "maxRetries": 2, "retryIntervalSec": 1}, "vendoAuth": False}
        answer = post_deploy(
            workspace, publish_tool(platform, plain_manifest(**{**quick, **changes})), **(body or {})
        )
        assert answer.status_code == 201, answer.text
        return Job(runtime, parse_deployment_id(answer.json["deploymentId"]))

    return make
