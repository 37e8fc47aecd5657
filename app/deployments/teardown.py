"""What a teardown does to the rows of its deployment; each function may run again without effect."""

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.connections.bindings import drop_bindings
from app.connections.models import App
from app.core.clock import utc_now
from app.core.redis import Cache
from app.deployments.addresses import free_ports, free_subnet
from app.deployments.credentials import drop_credentials
from app.deployments.env import drop_env
from app.deployments.log_models import ContainerLog, DeployLog
from app.deployments.models import Deployment, DeploymentService, DeploymentStatus, HealthStatus
from app.identity.keys import list_app_keys, revoke_key


def release_addresses(session: Session, deployment: Deployment) -> None:
    """Give subnet and ports back; call only when the engine shows nothing of the deployment any more."""
    free_subnet(session, deployment.id)
    free_ports(session, deployment.id)
    session.execute(delete(DeploymentService).where(DeploymentService.deployment_id == deployment.id))


def revoke_keys(session: Session, cache: Cache, deployment: Deployment) -> int:
    """Revoke every live key of the app; returns how many there were."""
    keys = list_app_keys(session, deployment.authorization_id) if deployment.authorization_id else []
    for key in keys:
        revoke_key(session, cache, key)
    return len(keys)


def wipe_credentials(session: Session, deployment: Deployment) -> None:
    drop_credentials(session, deployment.id)
    drop_env(session, deployment.id)


def disconnect_app(session: Session, deployment: Deployment) -> None:
    """Delete the bindings and end the app; its row stays."""
    if deployment.authorization_id is None:
        return
    drop_bindings(session, deployment.authorization_id)
    app = session.get_one(App, deployment.authorization_id)
    app.disconnected_at = app.disconnected_at or utc_now()


def mark_destroyed(session: Session, deployment: Deployment) -> None:
    """Delete the logs and end the deployment; its row stays for audit."""
    for table in (DeployLog, ContainerLog):
        session.execute(delete(table).where(table.deployment_id == deployment.id))
    deployment.status = DeploymentStatus.DESTROYED
    deployment.health_status = HealthStatus.UNKNOWN
    deployment.destroyed_at = deployment.destroyed_at or utc_now()
    deployment.progress, deployment.current_step = 100, None
