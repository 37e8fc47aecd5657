"""Users, their sessions, tenants and keys."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, created_now, updated_now, uuid_key


class MemberRole(StrEnum):
    OWNER = "owner"
    MEMBER = "member"
    VIEWER = "viewer"


class User(Base):
    """A person. `issuer` and `subject` are set for people of an outside identity server."""

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email_local", "email", unique=True, postgresql_where=text("issuer IS NULL")),
        Index("uq_users_issuer_subject", "issuer", "subject", unique=True),
    )

    id: Mapped[UUID] = uuid_key()
    email: Mapped[str] = mapped_column(Text)
    display_name: Mapped[str] = mapped_column(Text, server_default="")
    avatar_url: Mapped[str] = mapped_column(Text, server_default="")
    password_hash: Mapped[str | None] = mapped_column(Text)
    is_admin: Mapped[bool] = mapped_column(server_default=text("false"))
    issuer: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = created_now()
    updated_at: Mapped[datetime] = updated_now()


class UserSession(Base):
    """A dashboard sign-in; only the SHA-256 of the cookie is kept."""

    __tablename__ = "user_sessions"

    id: Mapped[UUID] = uuid_key()
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    kind: Mapped[str] = mapped_column(Text, server_default="dashboard")
    user_agent: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = created_now()
    last_seen_at: Mapped[datetime] = created_now()
    expires_at: Mapped[datetime]


class Tenant(Base):
    """A workspace; a person owns at most one that is not for tests."""

    __tablename__ = "tenants"
    __table_args__ = (
        Index("uq_tenants_owner_id", "owner_id", unique=True, postgresql_where=text("NOT is_test")),
    )

    id: Mapped[UUID] = uuid_key()
    name: Mapped[str] = mapped_column(Text)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    is_personal: Mapped[bool] = mapped_column(server_default=text("false"))
    referral_code: Mapped[str] = mapped_column(Text, unique=True)
    slug_chosen: Mapped[bool] = mapped_column(server_default=text("false"))
    logo_url: Mapped[str | None] = mapped_column(Text)
    is_test: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = created_now()
    updated_at: Mapped[datetime] = updated_now()


class TenantMember(Base):
    __tablename__ = "tenant_members"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[str] = mapped_column(Text)


class Key(Base):
    """A `vendo_sk_` key: its hash and display prefix, never the key."""

    __tablename__ = "keys"
    __table_args__ = (
        CheckConstraint(
            "(scope_mode = 'app' AND app_id IS NOT NULL AND connection_id IS NULL)"
            " OR (scope_mode = 'connection' AND connection_id IS NOT NULL AND app_id IS NULL)",
            name="scope",
        ),
    )

    id: Mapped[UUID] = uuid_key()
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), index=True)
    scope_mode: Mapped[str] = mapped_column(Text)
    app_id: Mapped[UUID | None] = mapped_column(ForeignKey("apps.id"), index=True)
    connection_id: Mapped[UUID | None] = mapped_column(ForeignKey("connections.id"), index=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    key_prefix: Mapped[str] = mapped_column(Text)
    display_name: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = created_now()
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
