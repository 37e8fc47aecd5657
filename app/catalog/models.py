"""The catalog: tools, their releases and immutable templates, and the integrations."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, created_now, uuid_key

_EMPTY_LIST = text("'[]'::jsonb")
_EMPTY_OBJECT = text("'{}'::jsonb")
_EMPTY_ARRAY = text("'{}'::text[]")


class ToolType(StrEnum):
    DEPLOYMENT = "deployment"
    DOWNLOADABLE = "downloadable"
    NPM = "npm"
    INTERNAL = "internal"


class Tool(Base):
    """A row of the catalog; `owner_tenant_id` makes an internal tool one workspace's own."""

    __tablename__ = "apps_catalog"

    id: Mapped[UUID] = uuid_key()
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    category: Mapped[str] = mapped_column(Text, server_default="other")
    tool_type: Mapped[str] = mapped_column(Text, server_default=ToolType.DEPLOYMENT)
    auth_mode: Mapped[str | None] = mapped_column(Text)
    icon_url: Mapped[str | None] = mapped_column(Text)
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    featured: Mapped[bool] = mapped_column(server_default=text("false"))
    usage_category: Mapped[str] = mapped_column(Text, server_default="compute_general")
    allowed_callback_patterns: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_EMPTY_ARRAY)
    surface_all_connections: Mapped[bool] = mapped_column(server_default=text("false"))
    supported_connections: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_EMPTY_ARRAY)
    marketing: Mapped[dict[str, Any]] = mapped_column(server_default=_EMPTY_OBJECT)
    owner_tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"))
    created_at: Mapped[datetime] = created_now()


class ToolRelease(Base):
    """One released version of a tool; the partial unique index is the referee of "one active"."""

    __tablename__ = "tool_releases"
    __table_args__ = (
        Index("uq_tool_releases_active", "tool_id", unique=True, postgresql_where=text("status = 'active'")),
        Index("uq_tool_releases_version", "tool_id", "version", unique=True),
    )

    id: Mapped[UUID] = uuid_key()
    tool_id: Mapped[UUID] = mapped_column(ForeignKey("apps_catalog.id"))
    version: Mapped[str] = mapped_column(Text)
    template_version: Mapped[str] = mapped_column(Text)
    source_repo: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    was_active: Mapped[bool] = mapped_column(server_default=text("false"))
    wizard_inputs: Mapped[list[Any]] = mapped_column(server_default=_EMPTY_LIST)
    wizard_layout: Mapped[dict[str, Any] | None]
    requires: Mapped[list[Any]] = mapped_column(server_default=_EMPTY_LIST)
    created_at: Mapped[datetime] = created_now()


class ToolTemplate(Base):
    """An immutable manifest under (slug, version); a trigger refuses UPDATE and DELETE."""

    __tablename__ = "tool_templates"

    slug: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[str] = mapped_column(Text, primary_key=True)
    manifest: Mapped[dict[str, Any]]
    sha256: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = created_now()


class Integration(Base):
    """A provider that tools may be bound to; `env_vars` says which variables a binding injects."""

    __tablename__ = "integrations"

    id: Mapped[UUID] = uuid_key()
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    category: Mapped[str] = mapped_column(Text, server_default="other")
    default_profile: Mapped[str] = mapped_column(Text)
    supported_profiles: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=_EMPTY_ARRAY)
    logo_url: Mapped[str | None] = mapped_column(Text)
    icon_name: Mapped[str | None] = mapped_column(Text)
    docs_url: Mapped[str] = mapped_column(Text, server_default="")
    brand_color: Mapped[str] = mapped_column(Text, server_default="")
    env_bootstrap: Mapped[dict[str, Any] | None]
    env_vars: Mapped[list[Any]] = mapped_column(server_default=_EMPTY_LIST)
    card_kind: Mapped[str | None] = mapped_column(Text)
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    featured: Mapped[bool] = mapped_column(server_default=text("false"))
    exclusive: Mapped[bool] = mapped_column(server_default=text("false"))
    oauth_client_config: Mapped[dict[str, Any] | None]
    byok: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = created_now()


class TenantIntegration(Base):
    """That a workspace switched an integration on or off."""

    __tablename__ = "tenant_integrations"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    integration_id: Mapped[UUID] = mapped_column(ForeignKey("integrations.id"), primary_key=True)
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
