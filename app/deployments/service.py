"""Deployments as their owner sees them: read one, list them, ask for their end."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from app.catalog.models import Tool
from app.core.errors import InvalidError, NotFoundError
from app.deployments.models import Deployment, DeploymentService, DeploymentStatus
from app.deployments.naming import parse_deployment_id
from app.deployments.operation_models import Operation, OperationKind
from app.deployments.operations import enqueue_operation, supersede_active
from app.deployments.queries import refuse_parameter
from app.identity.models import Tenant
from app.identity.principals import Principal

MAX_PAGE = 200


@dataclass(frozen=True)
class OwnedDeployment:
    """A deployment with the rows that every view of it needs."""

    deployment: Deployment
    tenant: Tenant
    tool: Tool


@dataclass(frozen=True)
class ListFilter:
    """What a list shows; `cursor` is the opaque end of the page before."""

    statuses: tuple[str, ...] = ()
    tool_slug: str = ""
    include_destroyed: bool = False
    limit: int = 50
    cursor: str = ""


def get_owned_deployment(session: Session, principal: Principal, deployment_id: str) -> OwnedDeployment:
    """The caller's own deployment; raises NotFoundError for any other id, known or not."""
    statement = _owned(principal).where(Deployment.id == parse_deployment_id(deployment_id))
    row = session.execute(statement).first()
    if row is None:
        raise NotFoundError
    return OwnedDeployment(*row)


def list_owned_deployments(
    session: Session, principal: Principal, chosen: ListFilter
) -> tuple[list[OwnedDeployment], str | None]:
    """One page, newest first, and the cursor of the next; raises InvalidError INVALID_QUERY."""
    statement = _owned(principal).order_by(Deployment.created_at.desc(), Deployment.id.desc())
    if chosen.statuses:
        statement = statement.where(Deployment.status.in_(chosen.statuses))
    elif not chosen.include_destroyed:
        statement = statement.where(Deployment.status != DeploymentStatus.DESTROYED)
    if chosen.tool_slug:
        statement = statement.where(Tool.slug == chosen.tool_slug)
    if chosen.cursor:
        statement = statement.where(
            tuple_(Deployment.created_at, Deployment.id) < tuple_(*_read_cursor(chosen.cursor))
        )
    rows = [OwnedDeployment(*row) for row in session.execute(statement.limit(chosen.limit + 1))]
    page = rows[: chosen.limit]
    return page, _write_cursor(page[-1].deployment) if len(rows) > chosen.limit else None


def list_services(session: Session, deployment_id: UUID) -> list[DeploymentService]:
    """Services in start order, as last observed on the engine."""
    statement = select(DeploymentService).where(DeploymentService.deployment_id == deployment_id)
    return list(session.execute(statement.order_by(DeploymentService.position)).scalars())


def request_destroy(session: Session, deployment: Deployment) -> Operation | None:
    """Pre-empt what runs and queue the teardown; None when the deployment is already destroyed."""
    # Destroys wait for each other here, and then lock operation before deployment like every worker does.
    key = func.hashtextextended(f"destroy:{deployment.id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))
    supersede_active(session, deployment.id)
    session.refresh(deployment, with_for_update=True)
    if deployment.status == DeploymentStatus.DESTROYED:
        return None
    deployment.status = DeploymentStatus.DESTROYING
    deployment.error_step = deployment.error_message = None
    return enqueue_operation(session, deployment, OperationKind.TEARDOWN)


def check_confirmation(deployment: Deployment, confirm: str | None) -> None:
    """Refuse a typed confirmation that names another deployment; raises InvalidError."""
    if confirm is not None and confirm != deployment.deployment_slug:
        raise InvalidError("The confirmation does not match the slug.", code="CONFIRMATION_MISMATCH")


def _owned(principal: Principal):  # type: ignore[no-untyped-def]
    return (
        select(Deployment, Tenant, Tool)
        .join(Tenant, Tenant.id == Deployment.tenant_id)
        .join(Tool, Tool.id == Deployment.tool_id)
        .where(Tenant.owner_id == principal.user_id)
    )


def _write_cursor(deployment: Deployment) -> str:
    raw = json.dumps([deployment.created_at.isoformat(), str(deployment.id)])
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        created, identifier = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return datetime.fromisoformat(created), UUID(identifier)
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise refuse_parameter("cursor") from None
