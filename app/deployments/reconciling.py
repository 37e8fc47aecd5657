"""Which containers should be up right now."""

from collections import defaultdict
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.deployments.models import Deployment, DeploymentService, DeploymentStatus
from app.deployments.operation_models import Operation

LONG_RUNNING = ("web", "worker")


def list_expected_services(session: Session) -> dict[UUID, set[str]]:
    """Long-running services by deployment, for those that run and that no operation is working on."""
    busy = select(Operation.deployment_id).where(Operation.finished_at.is_(None))
    statement = (
        select(DeploymentService.deployment_id, DeploymentService.name)
        .join(Deployment, Deployment.id == DeploymentService.deployment_id)
        .where(Deployment.status == DeploymentStatus.RUNNING, Deployment.id.not_in(busy))
        .where(DeploymentService.role.in_(LONG_RUNNING))
    )
    expected: dict[UUID, set[str]] = defaultdict(set)
    for deployment_id, name in session.execute(statement):
        expected[deployment_id].add(name)
    return expected
