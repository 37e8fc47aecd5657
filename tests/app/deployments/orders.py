"""A deploy that is right in every respect, and how a test breaks it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.connections.models import Connection, ConnectionStatus, Profile
from app.connections.pools import new_external_id
from app.core.platform import Platform
from app.factory import create_app
from app.identity.principals import SESSION_COOKIE
from tests.factories import Workspace, unique


@dataclass
class Order:
    """One request before it is sent: who, where, with which headers and body; `tools` are published."""

    platform: Platform
    workspace: Workspace
    client: FlaskClient
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    ip: str = "127.0.0.1"
    tools: dict[str, str] = field(default_factory=dict)

    def send(self) -> TestResponse:
        peer = {"REMOTE_ADDR": self.ip}
        return self.client.post("/api/deploy", json=self.body, headers=self.headers, environ_base=peer)


Break = Callable[[Order], None]


def make_connection(
    platform: Platform,
    tenant_id: UUID,
    provider: str,
    profile: str = Profile.OAUTH_APP_INSTALL,
    status: str = ConnectionStatus.ACTIVE,
) -> UUID:
    """A connection that holds no credential, as checks and bindings need it."""
    with platform.database.transaction() as session:
        connection = Connection(
            tenant_id=tenant_id,
            external_id=new_external_id(),
            provider_slug=provider,
            profile=profile,
            status=status,
            display_name=f"{provider} of a test",
        )
        session.add(connection)
    return connection.id


def client_of(app: Flask, workspace: Workspace) -> FlaskClient:
    """Another client with the cookie of the workspace's owner: for another app, or for another thread."""
    cookie = workspace.client.get_cookie(SESSION_COOKIE)
    client = app.test_client()
    if cookie is not None:
        client.set_cookie(SESSION_COOKIE, cookie.value)
    return client


def run_sql(platform: Platform, statement: str, **values: Any) -> None:
    with platform.database.transaction() as session:
        session.execute(text(statement), values)


@contextmanager
def app_with(app: Flask, **settings: Any) -> Iterator[Flask]:
    """A second web process on the same database and queue, with other settings."""
    changed = create_app(replace(app.extensions["berth"].settings, **settings))
    try:
        yield changed
    finally:
        changed.extensions["berth"].database.engine.dispose()
        changed.extensions["berth"].redis.close()


def new_ip() -> str:
    """An address that no other test calls from."""
    return f"2001:db8::{unique('')[:4]}:{unique('')[:4]}"
