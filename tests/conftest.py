"""What every test stands on: a real PostgreSQL and Valkey of its own, migrated once per run."""

import base64
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.core.config import Settings, load_settings
from app.core.platform import Platform
from app.factory import create_app
from stack import engine, ports, postgres, valkey
from tests.factories import Workspace, make_workspace


@pytest.fixture(scope="session")
def docker_host() -> str:
    """A working engine: the machine's own, else one that is started for this run and ends with it."""
    return engine.require()


@pytest.fixture(scope="session")
def environment() -> Iterator[dict[str, str]]:
    """Variables of a throw-away install whose database and queue are running and migrated."""
    # Not in pytest's own folder: each new pytest run closes that one to the user that runs PostgreSQL.
    folder = Path(tempfile.mkdtemp(prefix="berth-test-"))
    database = postgres.start(folder / "postgres", ports.free_port())
    queue = valkey.start(folder / "valkey", ports.free_port())
    yield _variables(folder, database.url, database.admin_url, queue.url)
    queue.stop()
    database.stop()
    shutil.rmtree(folder)


def _variables(folder: Path, database_url: str, admin_url: str, redis_url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "TENANT_DATABASE_ADMIN_URL": admin_url,
        "REDIS_URL": redis_url,
        "PUBLIC_URL": "http://localhost:8080",
        "BERTH_HOME": str(folder),
        "BERTH_INSTALL_ID": f"test-{secrets.token_hex(6)}",
        "INTEGRATION_ENCRYPTION_KEY": f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "DEPLOY_LIMIT": "100000 per hour",
        "TENANT_LIMIT": "100000 per hour",
        "SIGN_IN_LIMIT": "100000 per minute",
        "BALANCE_LIMIT": "100000 per minute",
        "NETWORK_RANGE": "10.224.0.0/16",
    }


@pytest.fixture(scope="session")
def settings(environment: dict[str, str]) -> Settings:
    return load_settings(environment)


@pytest.fixture(scope="session")
def app(environment: dict[str, str], settings: Settings) -> Iterator[Flask]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        application = create_app(settings)
        result = application.test_cli_runner().invoke(args=["db", "upgrade"])
        assert result.exit_code == 0, result.output
        yield application


@pytest.fixture(scope="session")
def platform(app: Flask) -> Platform:
    found: Platform = app.extensions["berth"]
    return found


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def session(platform: Platform) -> Iterator[Session]:
    """A transaction that is rolled back at the end of the test."""
    with platform.database.session() as open_session:
        yield open_session
        open_session.rollback()


@pytest.fixture
def workspace(app: Flask, platform: Platform) -> Workspace:
    """A signed-in owner with a chosen slug, billing set up and 25 USD."""
    return make_workspace(app, platform)
