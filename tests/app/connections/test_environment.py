"""The variables that bindings inject."""

import dataclasses
import json
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from app.connections.credentials import credential_owner, open_credential
from app.connections.environment import list_integration_env
from app.connections.integrations import list_integration_variables
from app.connections.models import Connection, Profile
from app.core.clock import utc_now
from app.core.crypto import DecryptError
from app.core.platform import Platform
from tests.app.connections.rows import Tenancy, bind, make_app, make_connection, make_integration
from tests.factories import Workspace


@pytest.fixture
def tenancy(session: Session, workspace: Workspace) -> Tenancy:
    return make_app(session, workspace.tenant_id)


def env(session: Session, platform: Platform, tenancy: Tenancy) -> dict[str, str]:
    return list_integration_env(session, platform, tenancy.app_id, tenancy.key)


def token_of(platform: Platform, connection: Connection) -> str:
    opened = platform.cipher.open(connection.encrypted_credential or b"", credential_owner(connection.id))
    token: str = json.loads(opened)["bot_token"]
    return token


def test_a_pool_binding_gives_the_app_key_and_the_proxy(
    session: Session, platform: Platform, tenancy: Tenancy
) -> None:
    pool = make_integration(session)
    bind(session, tenancy, make_connection(session, platform, tenancy.tenant_id, pool))
    assert env(session, platform, tenancy) == {
        f"{pool.slug.upper()}_API_KEY": tenancy.key,
        f"{pool.slug.upper()}_BASE_URL": f"http://{pool.slug}-proxy.localhost:8080/v1",
    }


def test_path_routing_uses_an_origin_that_a_container_reaches(
    session: Session, platform: Platform, tenancy: Tenancy
) -> None:
    pool = make_integration(session)
    bind(session, tenancy, make_connection(session, platform, tenancy.tenant_id, pool))
    settings = dataclasses.replace(platform.settings, routing="path", host_gateway="10.200.0.1")
    variables = env(session, dataclasses.replace(platform, settings=settings), tenancy)
    assert variables[f"{pool.slug.upper()}_BASE_URL"] == f"http://10.200.0.1:8080/proxy/{pool.slug}/v1"


def test_a_static_credential_gives_what_the_provider_declares(
    session: Session, platform: Platform, tenancy: Tenancy
) -> None:
    declared = [
        {"name": "BOT_TOKEN", "value_from": "credential.bot_token"},
        {"name": "BOT_ID", "value_from": "metadata.telegram_bot_id"},
        {"name": "SIGNING_SECRET", "value_from": "metadata.webhook.signing_secret"},
        {"name": "ABSENT", "value_from": "metadata.webhook.signing_secret.deeper"},
    ]
    byok = make_integration(session, Profile.BYOK_STATIC, env_vars=declared)
    details = {"telegram_bot_id": 77, "webhook": {"signing_secret": "hush"}}
    row = make_connection(session, platform, tenancy.tenant_id, byok, details=details)
    bind(session, tenancy, row)
    expected = {"BOT_TOKEN": token_of(platform, row), "BOT_ID": "77", "SIGNING_SECRET": "hush"}
    assert env(session, platform, tenancy) == expected


def test_a_refreshing_profile_injects_nothing(session: Session, platform: Platform, tenancy: Tenancy) -> None:
    declared = [{"name": "NOTION_TOKEN", "value_from": "credential.access_token"}]
    oauth = make_integration(session, Profile.OAUTH_APP_INSTALL, env_vars=declared)
    row = make_connection(session, platform, tenancy.tenant_id, oauth)
    row.encrypted_credential = platform.cipher.seal("tok", credential_owner(row.id))
    bind(session, tenancy, row)
    assert env(session, platform, tenancy) == {}
    assert open_credential(platform, row, tenancy.key) == {"access_token": "tok"}


def test_an_expired_access_token_is_no_credential(
    session: Session, platform: Platform, tenancy: Tenancy
) -> None:
    oauth = make_integration(session, Profile.USER_OAUTH)
    row = make_connection(session, platform, tenancy.tenant_id, oauth)
    row.encrypted_credential = platform.cipher.seal("tok", credential_owner(row.id))
    row.expires_at = utc_now() - timedelta(seconds=1)
    assert open_credential(platform, row, tenancy.key) is None


def test_a_connection_that_is_not_active_injects_nothing(
    session: Session, platform: Platform, tenancy: Tenancy
) -> None:
    pool = make_integration(session)
    bind(session, tenancy, make_connection(session, platform, tenancy.tenant_id, pool, status="needs_reauth"))
    assert env(session, platform, tenancy) == {}


def test_a_credential_moved_to_another_row_does_not_open(
    session: Session, platform: Platform, tenancy: Tenancy
) -> None:
    byok = make_integration(session, Profile.BYOK_STATIC)
    first, second = (make_connection(session, platform, tenancy.tenant_id, byok) for _ in range(2))
    second.encrypted_credential = first.encrypted_credential
    with pytest.raises(DecryptError):
        open_credential(platform, second, tenancy.key)


def test_an_app_without_bindings_has_no_variables(session: Session, platform: Platform) -> None:
    assert list_integration_env(session, platform, UUID(int=0), "vendo_sk_x") == {}


def test_every_declared_name_is_known(session: Session) -> None:
    pool = make_integration(session)
    assert f"{pool.slug.upper()}_API_KEY" in list_integration_variables(session)
