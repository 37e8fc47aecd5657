"""Deployments and what belongs to one: variables, credentials, route, services, addresses."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, created_now, updated_now, uuid_key


class DeploymentStatus(StrEnum):
    PENDING = "pending"
    DEPLOYING = "deploying"
    RUNNING = "running"
    FAILED = "failed"
    RESTARTING = "restarting"
    SUSPENDING = "suspending"
    SUSPENDED = "suspended"
    SUSPEND_FAILED = "suspend_failed"
    RESUMING = "resuming"
    RESUME_FAILED = "resume_failed"
    UPGRADING = "upgrading"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"


class HealthStatus(StrEnum):
    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"


class EnvKind(StrEnum):
    SYSTEM = "system"
    INTEGRATION = "integration"
    USER = "user"


_LIVE = text("status <> 'destroyed'")


class Deployment(Base):
    """One tool in one workspace; `subdomain` is the whole label and is never split back."""

    __tablename__ = "deployments"
    __table_args__ = (
        Index("uq_deployments_slug", "tenant_id", "deployment_slug", unique=True, postgresql_where=_LIVE),
        Index("uq_deployments_subdomain", "subdomain", unique=True, postgresql_where=_LIVE),
        Index("ix_deployments_newest", "tenant_id", "created_at", "id"),
    )

    id: Mapped[UUID] = uuid_key()
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    tool_id: Mapped[UUID] = mapped_column(ForeignKey("apps_catalog.id"), index=True)
    authorization_id: Mapped[UUID | None] = mapped_column(ForeignKey("apps.id"), index=True)
    created_by_user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    deployment_slug: Mapped[str] = mapped_column(Text)
    deployment_name: Mapped[str] = mapped_column(Text)
    subdomain: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, index=True)
    health_status: Mapped[str] = mapped_column(Text, server_default=HealthStatus.UNKNOWN)
    progress: Mapped[int] = mapped_column(server_default=text("0"))
    current_step: Mapped[str | None] = mapped_column(Text)
    error_step: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    bundle_version: Mapped[str | None] = mapped_column(Text)
    deployed_template_version: Mapped[str | None] = mapped_column(Text)
    previous_template_version: Mapped[str | None] = mapped_column(Text)
    manifest: Mapped[dict[str, Any] | None]
    compute_provider: Mapped[str] = mapped_column(Text, server_default="docker")
    vendo_auth_default: Mapped[bool] = mapped_column(server_default=text("true"))
    vendo_auth_override: Mapped[bool | None]
    is_test: Mapped[bool] = mapped_column(server_default=text("false"))
    restart_required: Mapped[bool] = mapped_column(server_default=text("false"))
    admin_email: Mapped[str] = mapped_column(Text, server_default="")
    user_input: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    attempt: Mapped[int] = mapped_column(server_default=text("1"))
    generation: Mapped[int] = mapped_column(server_default=text("1"))
    consecutive_failures: Mapped[int] = mapped_column(server_default=text("0"))
    suspension_reason: Mapped[str | None] = mapped_column(Text)
    suspended_at: Mapped[datetime | None]
    destroyed_at: Mapped[datetime | None]
    ready_at: Mapped[datetime | None]
    last_health_check_at: Mapped[datetime | None]
    auto_update_paused_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_now()
    updated_at: Mapped[datetime] = updated_now()

    @property
    def vendo_auth(self) -> bool:
        return self.vendo_auth_default if self.vendo_auth_override is None else self.vendo_auth_override


class DeploymentEnvVar(Base):
    """One variable, sealed; `service` is empty when it goes to every service."""

    __tablename__ = "deployment_env_vars"

    deployment_id: Mapped[UUID] = mapped_column(ForeignKey("deployments.id"), primary_key=True)
    service: Mapped[str] = mapped_column(Text, primary_key=True, server_default="")
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    encrypted_value: Mapped[bytes] = mapped_column(LargeBinary)
    is_secret: Mapped[bool] = mapped_column(server_default=text("false"))
    is_pending_restart: Mapped[bool] = mapped_column(server_default=text("false"))
    updated_at: Mapped[datetime] = updated_now()


class DeploymentCredential(Base):
    """A generated secret of a deployment, sealed: declared secrets, passwords, the webhook secret."""

    __tablename__ = "deployment_credentials"

    deployment_id: Mapped[UUID] = mapped_column(ForeignKey("deployments.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    encrypted_value: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = created_now()


class DeploymentService(Base):
    """One service as the worker last saw it on the engine."""

    __tablename__ = "deployment_services"

    deployment_id: Mapped[UUID] = mapped_column(ForeignKey("deployments.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(server_default=text("0"))
    role: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    image: Mapped[str] = mapped_column(Text)
    image_id: Mapped[str | None] = mapped_column(Text)
    container_id: Mapped[str | None] = mapped_column(Text)
    restarts: Mapped[int] = mapped_column(server_default=text("0"))
    started_at: Mapped[datetime | None]
    observed_at: Mapped[datetime] = created_now()


class DeploymentVersion(Base):
    """What a version of a deployment consisted of, kept for rollback."""

    __tablename__ = "deployment_versions"

    deployment_id: Mapped[UUID] = mapped_column(ForeignKey("deployments.id"), primary_key=True)
    version: Mapped[str] = mapped_column(Text, primary_key=True)
    manifest: Mapped[dict[str, Any]]
    image_ids: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = created_now()


class Route(Base):
    """Where a label leads; written by the workflow that owns the deployment."""

    __tablename__ = "routes"

    label: Mapped[str] = mapped_column(Text, primary_key=True)
    deployment_id: Mapped[UUID] = mapped_column(ForeignKey("deployments.id"), unique=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    target: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime] = updated_now()


class NetworkSubnet(Base):
    """An address range given to one deployment, or found taken by something that is not ours."""

    __tablename__ = "network_subnets"

    cidr: Mapped[str] = mapped_column(Text, primary_key=True)
    deployment_id: Mapped[UUID | None] = mapped_column(ForeignKey("deployments.id"), unique=True)
    created_at: Mapped[datetime] = created_now()


class HostPort(Base):
    """A loopback port of the engine's host given to one service, so that a restart keeps its address."""

    __tablename__ = "host_ports"
    __table_args__ = (Index("uq_host_ports_service", "deployment_id", "service", "generation", unique=True),)

    port: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    deployment_id: Mapped[UUID | None] = mapped_column(ForeignKey("deployments.id"))
    service: Mapped[str | None] = mapped_column(Text)
    generation: Mapped[int | None]
    created_at: Mapped[datetime] = created_now()
