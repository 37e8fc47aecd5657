"""Deployments with a route, a tool behind it, and a real server in front."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from flask import Flask

from app.connections.models import App
from app.core.platform import Platform
from app.deployments.models import Deployment, DeploymentStatus, Route
from stack import ports
from tests.app.connections.rows import make_tool
from tests.app.edge.tool import ToolServer, run_tool
from tests.factories import Workspace, make_workspace, unique

CHECKOUT = Path(__file__).resolve().parents[3]
Publish = Callable[..., str]


@dataclass(frozen=True)
class Server:
    """A gunicorn of this test run."""

    pid: int
    port: int

    def peak_memory(self) -> int:
        """The most that any of its workers ever held, in bytes."""
        lines = [Path(f"/proc/{worker.pid}/status").read_text() for worker in self._workers()]
        return max(int(text.partition("VmHWM:")[2].split()[0]) * 1024 for text in lines)

    def waits_for_no_connection_to(self, port: int) -> bool:
        """Whether its workers close every connection to a port within a few seconds."""
        return ports.wait_until(lambda: not self._connections_to(port), 5)

    def _connections_to(self, port: int) -> list[Any]:
        found = [item for worker in self._workers() for item in worker.net_connections("tcp")]
        return [item for item in found if item.raddr and item.raddr.port == port]

    def _workers(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children()


@pytest.fixture
def tool() -> Iterator[ToolServer]:
    with run_tool() as server:
        yield server


@pytest.fixture(scope="session")
def owner(app: Flask, platform: Platform) -> Workspace:
    return make_workspace(app, platform)


@pytest.fixture
def publish(platform: Platform, owner: Workspace) -> Publish:
    """Write a deployment and its route; returns the label."""

    def write(target: str | None, route_status: str = "running", **columns: Any) -> str:
        slug = unique("d")
        label = f"{owner.slug}-{slug}"
        with platform.database.transaction() as session:
            app_row = App(tenant_id=owner.tenant_id, kind="deployment")
            session.add(app_row)
            session.flush()
            deployment = Deployment(
                tenant_id=owner.tenant_id,
                tool_id=make_tool(session, []).id,
                authorization_id=app_row.id,
                created_by_user_id=owner.user_id,
                deployment_slug=slug,
                deployment_name=slug,
                subdomain=label,
                **{"status": DeploymentStatus.RUNNING, "vendo_auth_default": False, **columns},
            )
            session.add(deployment)
            session.flush()
            session.add(
                Route(
                    label=label,
                    deployment_id=deployment.id,
                    tenant_id=owner.tenant_id,
                    target=target,
                    status=route_status,
                )
            )
        return label

    return write


@pytest.fixture(scope="session")
def server(app: Flask, environment: dict[str, str]) -> Iterator[Server]:
    """Berth behind gunicorn with this checkout's own settings, on a free port."""
    port = ports.free_port()
    own = {"BERTH_PORT": str(port), "BERTH_BIND": "127.0.0.1", "PUBLIC_URL": f"http://localhost:{port}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "wsgi:app"],
        cwd=CHECKOUT,
        env={**os.environ, **environment, **own, "BERTH_ROUTING": "path"},
    )
    try:
        assert ports.wait_until(lambda: _answers(port), 30)
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait(30)


def _answers(port: int) -> bool:
    with (
        suppress(OSError),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=5) as answer,
    ):
        return bool(answer.status == 200)
    return False
