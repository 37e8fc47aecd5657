"""Operations: the queue of record, its journal, and the workers that report."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, created_now, uuid_key


class OperationKind(StrEnum):
    DEPLOY = "deploy"
    TEARDOWN = "teardown"


class OperationStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class Operation(Base):
    """One run of one workflow; at most one is unfinished per deployment."""

    __tablename__ = "operations"
    __table_args__ = (
        Index(
            "uq_operations_active", "deployment_id", unique=True, postgresql_where=text("finished_at IS NULL")
        ),
        Index("ix_operations_waiting", "lease_expires_at", postgresql_where=text("finished_at IS NULL")),
    )

    id: Mapped[UUID] = uuid_key()
    deployment_id: Mapped[UUID] = mapped_column(ForeignKey("deployments.id"), index=True)
    kind: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default=OperationStatus.QUEUED)
    target_version: Mapped[str | None] = mapped_column(Text)
    lease_owner: Mapped[str | None] = mapped_column(Text)
    lease_expires_at: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    error_step: Mapped[str | None] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    rung_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_now()
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class OperationPhase(Base):
    """One finished phase of an operation and its result: recorded means done."""

    __tablename__ = "operation_phases"

    operation_id: Mapped[UUID] = mapped_column(ForeignKey("operations.id"), primary_key=True)
    phase: Mapped[str] = mapped_column(Text, primary_key=True)
    fence: Mapped[int] = mapped_column(BigInteger)
    result: Mapped[dict[str, Any]]
    finished_at: Mapped[datetime] = created_now()


class WorkerHeartbeat(Base):
    """A worker that lives: it claimed or swept lately, not merely has a process."""

    __tablename__ = "worker_heartbeats"

    worker: Mapped[str] = mapped_column(Text, primary_key=True)
    started_at: Mapped[datetime] = created_now()
    seen_at: Mapped[datetime] = created_now()
