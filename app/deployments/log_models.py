"""Two logs of a deployment: what its workflows did, and what its containers said."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, created_now


class DeployLog(Base):
    """One line of a workflow; append-only, ordered by id, never a secret."""

    __tablename__ = "deploy_logs"
    __table_args__ = (Index("ix_deploy_logs_deployment", "deployment_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    deployment_id: Mapped[UUID] = mapped_column(ForeignKey("deployments.id"))
    attempt: Mapped[int]
    workflow: Mapped[str] = mapped_column(Text)
    step: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    progress: Mapped[int | None]
    duration_ms: Mapped[int | None]
    details: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = created_now()


class ContainerLog(Base):
    """One line of a container, under the engine's own timestamp in nanoseconds."""

    __tablename__ = "container_logs"
    __table_args__ = (
        Index("ix_container_logs_deployment", "deployment_id", "id"),
        Index("uq_container_logs_line", "container_id", "timestamp_ns", "stream", unique=True),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    deployment_id: Mapped[UUID] = mapped_column(ForeignKey("deployments.id"))
    container_id: Mapped[str] = mapped_column(Text)
    service: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int]
    stream: Mapped[str] = mapped_column(Text)
    timestamp_ns: Mapped[int] = mapped_column(BigInteger)
    message: Mapped[str] = mapped_column(Text)
    logged_at: Mapped[datetime]
