"""Rows of the catalog and of connections, under names nobody else uses."""

import json
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from app.catalog.models import Integration, Tool
from app.connections.credentials import credential_owner
from app.connections.models import App, Binding, Connection, ConnectionStatus, Profile
from app.connections.pools import new_external_id
from app.core.platform import Platform
from app.identity.keys import mint_app_key
from tests.factories import unique


@dataclass(frozen=True)
class Tenancy:
    """An app with its key, in a workspace."""

    tenant_id: UUID
    app_id: UUID
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def make_app(session: Session, tenant_id: UUID, tool: Tool | None = None) -> Tenancy:
    app = App(tenant_id=tenant_id, kind="project", tool_id=tool.id if tool else None)
    session.add(app)
    session.flush()
    return Tenancy(tenant_id, app.id, mint_app_key(session, tenant_id, app.id, None).plaintext)


def make_tool(session: Session, supported: list[str], surface_all: bool = False) -> Tool:
    slug = unique("tool")
    tool = Tool(slug=slug, name=slug, supported_connections=supported, surface_all_connections=surface_all)
    session.add(tool)
    session.flush()
    return tool


def make_integration(
    session: Session, profile: Profile = Profile.MANAGED_POOL, **columns: Any
) -> Integration:
    """An integration of one profile; a pool one declares its two variables."""
    slug = unique("int")
    variables = (("API_KEY", "credential.vendo_sk"), ("BASE_URL", "credential.base_url"))
    values = {
        "slug": slug,
        "name": slug.title(),
        "category": "ai",
        "default_profile": profile,
        "supported_profiles": [profile],
        "env_vars": [{"name": f"{slug.upper()}_{name}", "value_from": path} for name, path in variables],
        **columns,
    }
    row = Integration(**values)
    session.add(row)
    session.flush()
    return row


def make_connection(
    session: Session, platform: Platform, tenant_id: UUID, integration: Integration, **columns: Any
) -> Connection:
    row = new_connection(platform, tenant_id, integration, **columns)
    session.add(row)
    session.flush()
    return row


def new_connection(
    platform: Platform, tenant_id: UUID, integration: Integration, **columns: Any
) -> Connection:
    """An active connection of the integration's profile with a secret of its own, not stored yet."""
    row = Connection(
        id=uuid4(),
        tenant_id=tenant_id,
        external_id=new_external_id(),
        provider_slug=integration.slug,
        profile=integration.default_profile,
        status=columns.pop("status", ConnectionStatus.ACTIVE),
        display_name=columns.pop("display_name", "Mine"),
        **columns,
    )
    if integration.default_profile == Profile.BYOK_STATIC and row.encrypted_credential is None:
        payload = json.dumps({"bot_token": secrets.token_hex(8)})
        row.encrypted_credential = platform.cipher.seal(payload, credential_owner(row.id))
    return row


def bind(session: Session, tenancy: Tenancy, connection: Connection, is_exclusive: bool = False) -> Binding:
    binding = Binding(
        app_id=tenancy.app_id,
        provider_slug=connection.provider_slug,
        connection_id=connection.id,
        is_exclusive=is_exclusive,
    )
    session.add(binding)
    session.flush()
    return binding
