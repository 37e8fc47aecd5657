"""Which credentials a deployed tool is given (runtime.md 1)."""

import json
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.connections.credentials import credential_owner
from app.connections.models import Profile
from app.core.clock import utc_now
from app.core.platform import Platform
from tests.app.connections.rows import (
    Tenancy,
    bind,
    make_app,
    make_connection,
    make_integration,
)
from tests.app.deployments.runtime_apps import BOOTSTRAP, ReadConnections, static_app
from tests.factories import Workspace


def test_a_static_credential_is_given_with_its_variables(
    read_connections: ReadConnections, platform: Platform, workspace: Workspace
) -> None:
    (entry,) = read_connections(lambda session: static_app(session, platform, workspace))
    assert entry["credential"] == {"bot_token": "77:AA", "port": 5}
    assert (entry["api_key"], entry["base_url"], entry["context"]) == (None, None, {"ref": "abc"})
    assert entry["metadata"]["credential"] == {
        "TELEGRAM_BOT_TOKEN": "77:AA",
        "TELEGRAM_BOT_ID": "77",
        "TELEGRAM_SIGNING_SECRET": "hush",
    }
    assert entry["metadata"]["chat"] == "ops"
    assert entry["metadata"]["webhook"] == {"path": "/x"}


def test_a_sandbox_sees_no_credential_of_an_exclusive_provider(
    read_connections: ReadConnections, platform: Platform, workspace: Workspace
) -> None:
    (entry,) = read_connections(
        lambda session: static_app(session, platform, workspace, exclusive=True), "?sandbox=1"
    )
    assert (entry["credential"], entry["env_bootstrap"], entry["status"]) == (None, None, "connected")
    assert "credential" not in entry["metadata"]
    assert entry["id"] is not None


@pytest.mark.parametrize(
    ("query", "exclusive"), [("?sandbox=1", False), ("?sandbox=true", True), ("?sandbox=0", True), ("", True)]
)
def test_everything_else_is_given_in_full(
    read_connections: ReadConnections, platform: Platform, workspace: Workspace, query: str, exclusive: bool
) -> None:
    (entry,) = read_connections(lambda session: static_app(session, platform, workspace, exclusive), query)
    assert entry["credential"] == {"bot_token": "77:AA", "port": 5}
    assert entry["env_bootstrap"] == BOOTSTRAP


@pytest.mark.parametrize(
    ("profile", "hours", "expected"),
    [
        (Profile.OAUTH_APP_INSTALL, 1, {"access_token": "tok"}),
        (Profile.USER_OAUTH, None, {"access_token": "tok"}),
        (Profile.USER_OAUTH, -1, None),
        (Profile.WEBHOOK_INBOUND, 1, None),
        (Profile.COMPOSIO_MANAGED, 1, None),
    ],
)
def test_other_profiles_give_an_access_token_or_nothing(
    read_connections: ReadConnections,
    platform: Platform,
    workspace: Workspace,
    profile: Profile,
    hours: int | None,
    expected: dict[str, str] | None,
) -> None:
    def build(session: Session) -> Tenancy:
        declared = [{"name": "NOTION_TOKEN", "value_from": "credential.access_token"}]
        row = make_connection(
            session, platform, workspace.tenant_id, make_integration(session, profile, env_vars=declared)
        )
        row.encrypted_credential = platform.cipher.seal("tok", credential_owner(row.id))
        row.encrypted_refresh_token = platform.cipher.seal("refresh-me", credential_owner(row.id))
        row.expires_at = None if hours is None else utc_now() + timedelta(hours=hours)
        tenancy = make_app(session, workspace.tenant_id)
        bind(session, tenancy, row)
        return tenancy

    (entry,) = read_connections(build)
    assert (entry["status"], entry["credential"]) == ("connected", expected)
    assert entry["metadata"] == ({"credential": {"NOTION_TOKEN": "tok"}} if expected else {})
    assert "refresh-me" not in json.dumps(entry)


def test_a_credential_that_cannot_be_read_is_an_error_entry(
    read_connections: ReadConnections, platform: Platform, workspace: Workspace
) -> None:
    def build(session: Session) -> Tenancy:
        row = make_connection(
            session, platform, workspace.tenant_id, make_integration(session, Profile.BYOK_STATIC)
        )
        row.encrypted_credential = platform.cipher.seal("{}", "another row")
        tenancy = make_app(session, workspace.tenant_id)
        bind(session, tenancy, row)
        return tenancy

    (entry,) = read_connections(build)
    assert (entry["status"], entry["credential"], entry["metadata"]) == ("error", None, {})
    assert "cannot be read" in entry["error_message"]
