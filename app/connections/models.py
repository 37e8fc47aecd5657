"""Apps, connections, and the bindings between them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, created_now, updated_now, uuid_key


class Profile(StrEnum):
    MANAGED_POOL = "vendo_managed_pool"
    BYOK_STATIC = "byok_static"
    USER_OAUTH = "user_oauth"
    OAUTH_APP_INSTALL = "oauth_app_install"
    WEBHOOK_INBOUND = "webhook_inbound"
    COMPOSIO_MANAGED = "composio_managed"


class ConnectionStatus(StrEnum):
    ACTIVE = "active"
    NEEDS_REAUTH = "needs_reauth"
    ERROR = "error"
    REVOKED = "revoked"
    PENDING_SETUP = "pending_setup"


class App(Base):
    """A key holder: one per deployment, or a `project` without one."""

    __tablename__ = "apps"

    id: Mapped[UUID] = uuid_key()
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    display_name: Mapped[str | None] = mapped_column(Text)
    tool_id: Mapped[UUID | None] = mapped_column(ForeignKey("apps_catalog.id"))
    spend_cap_micros_daily: Mapped[int | None] = mapped_column(BigInteger)
    spend_cap_micros_monthly: Mapped[int | None] = mapped_column(BigInteger)
    connected_at: Mapped[datetime] = created_now()
    disconnected_at: Mapped[datetime | None]


class Connection(Base):
    """One tenant's credential for one integration."""

    __tablename__ = "connections"
    __table_args__ = (
        Index(
            "uq_connections_pool",
            "tenant_id",
            "provider_slug",
            unique=True,
            postgresql_where=text("profile = 'vendo_managed_pool' AND status <> 'revoked'"),
        ),
    )

    id: Mapped[UUID] = uuid_key()
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), index=True)
    external_id: Mapped[str] = mapped_column(Text, unique=True)
    provider_slug: Mapped[str] = mapped_column(Text)
    profile: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    display_name: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'::jsonb"))
    encrypted_credential: Mapped[bytes | None] = mapped_column(LargeBinary)
    encrypted_refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime | None]
    error_message: Mapped[str | None] = mapped_column(Text)
    created_by_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = created_now()
    connected_at: Mapped[datetime] = created_now()
    revoked_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = updated_now()


class Binding(Base):
    """A connection wired to one app, at most one per provider; a trigger refuses two tenants."""

    __tablename__ = "app_connection_bindings"
    __table_args__ = (
        Index(
            "uq_bindings_exclusive_connection",
            "connection_id",
            unique=True,
            postgresql_where=text("is_exclusive"),
        ),
    )

    app_id: Mapped[UUID] = mapped_column(ForeignKey("apps.id"), primary_key=True)
    provider_slug: Mapped[str] = mapped_column(Text, primary_key=True)
    connection_id: Mapped[UUID] = mapped_column(ForeignKey("connections.id"), index=True)
    is_exclusive: Mapped[bool] = mapped_column(server_default=text("false"))
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = created_now()
