"""The route record of a label: the one visible switch of a deploy, written under the fence."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.errors import ConflictError
from app.deployments.models import Deployment, Route

SERVING = "running"


def write_route(session: Session, deployment: Deployment, target: str | None, status: str) -> None:
    """Point the deployment's label at `target` (`host:port`); raises ConflictError when another holds it."""
    values = {
        "deployment_id": deployment.id,
        "tenant_id": deployment.tenant_id,
        "target": target,
        "status": status,
    }
    statement = insert(Route).values(label=deployment.subdomain, **values)
    statement = statement.on_conflict_do_update(
        index_elements=["label"], set_=values, where=Route.deployment_id == deployment.id
    )
    if session.execute(statement.returning(Route.label)).first() is None:
        raise ConflictError(f"The address {deployment.subdomain} belongs to another deployment.")


def set_route_status(session: Session, deployment_id: UUID, status: str) -> None:
    route = session.execute(select(Route).where(Route.deployment_id == deployment_id)).scalar_one_or_none()
    if route is not None:
        route.status = status


def drop_route(session: Session, deployment_id: UUID) -> None:
    session.execute(delete(Route).where(Route.deployment_id == deployment_id))
