"""Pool connections: a tenant's one row for a provider whose credential the platform keeps."""

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.catalog.models import Integration
from app.connections.models import Connection, ConnectionStatus, Profile
from app.core.crypto import random_text

_EXTERNAL_PREFIX = "vendo_conn_"
_EXTERNAL_LENGTH = 20
_LIVE_POOL = text("profile = 'vendo_managed_pool' AND status <> 'revoked'")


def new_external_id() -> str:
    return _EXTERNAL_PREFIX + random_text(_EXTERNAL_LENGTH)


def ensure_pool_connection(session: Session, tenant_id: UUID, integration: Integration) -> UUID:
    """The tenant's pool connection of a provider, created when absent; two at once get the same row."""
    created = insert(Connection).values(
        tenant_id=tenant_id,
        external_id=new_external_id(),
        provider_slug=integration.slug,
        profile=Profile.MANAGED_POOL,
        status=ConnectionStatus.ACTIVE,
        display_name=f"{integration.name} (managed)",
    )
    session.execute(
        created.on_conflict_do_nothing(index_elements=["tenant_id", "provider_slug"], index_where=_LIVE_POOL)
    )
    return session.execute(
        select(Connection.id).where(
            Connection.tenant_id == tenant_id,
            Connection.provider_slug == integration.slug,
            Connection.profile == Profile.MANAGED_POOL,
            Connection.status != ConnectionStatus.REVOKED,
        )
    ).scalar_one()
