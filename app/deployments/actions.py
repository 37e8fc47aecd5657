"""What an owner asks of an existing deployment: a checked change of status and one queued row each."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.billing.service import check_deploy_gate
from app.catalog.releases import get_active_release
from app.core.platform import Platform
from app.deployments.models import DeploymentStatus
from app.deployments.operation_models import Operation, OperationKind
from app.deployments.operations import enqueue_operation, refuse_state
from app.deployments.service import OwnedDeployment
from app.identity.principals import Principal

RETRY_FROM = [DeploymentStatus.FAILED]


def request_retry(
    session: Session, platform: Platform, principal: Principal, owned: OwnedDeployment
) -> Operation:
    """Queue a failed deploy once more, with its key, secrets, database, volumes and variables.

    Raises ConflictError INVALID_STATE, PaymentRequiredError, UnreleasedError. A deployment that was never
    ready takes the release that is active now, so that a mended tool is picked up (lifecycle.md 4).
    """
    deployment = owned.deployment
    session.refresh(deployment, with_for_update=True)
    if deployment.status not in RETRY_FROM:
        raise refuse_state(deployment, [*RETRY_FROM])
    check_deploy_gate(session, platform.settings, owned.tenant, principal.is_admin)
    version = deployment.bundle_version
    if deployment.ready_at is None:
        version = get_active_release(session, owned.tool).template_version
    deployment.status = DeploymentStatus.DEPLOYING
    deployment.attempt += 1
    deployment.progress, deployment.current_step = 0, None
    deployment.error_step = deployment.error_message = None
    try:
        return enqueue_operation(session, deployment, OperationKind.DEPLOY, version)
    except IntegrityError:
        raise refuse_state(deployment, [*RETRY_FROM]) from None
