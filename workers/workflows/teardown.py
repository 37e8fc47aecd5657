"""The teardown workflow (lifecycle.md 6): the undo of every deploy phase, safe to run again."""

from app.deployments import teardown as rows
from app.deployments.models import DeploymentStatus
from app.deployments.operation_models import OperationStatus
from app.deployments.operations import finish_operation
from app.deployments.resolve import database_address
from app.deployments.route_records import drop_route
from deploy_runner.databases import drop_database
from deploy_runner.errors import StepError
from deploy_runner.journal import PhaseResult
from deploy_runner.runner import Phase
from deploy_runner.steps.teardown import remove_deployment
from workers.workflows.context import WorkflowContext
from workers.workflows.prepare import SKIPPED
from workers.workflows.workflow import Workflow


def fetch_deployment(context: WorkflowContext) -> PhaseResult:
    with context.fenced() as session:
        return {"message": context.parties(session).deployment.subdomain}


def teardown_compute(context: WorkflowContext) -> PhaseResult:
    """Remove containers, network and volumes, by label, until none is left."""
    remove_deployment(
        context.engine, context.labels.install_id, context.labels.deployment_id, keep_volumes=False
    )
    with context.fenced() as session:
        rows.release_addresses(session, context.parties(session).deployment)
    return {"message": "removed"}


def teardown_databases(context: WorkflowContext) -> PhaseResult:
    settings = context.platform.settings
    with context.fenced() as session:
        parties = context.parties(session)
        had_database = bool((parties.deployment.manifest or {}).get("databases"))
    if not had_database or not settings.tenant_database_admin_url:
        return SKIPPED
    address = database_address(settings, parties)
    drop_database(settings.tenant_database_admin_url, address.name, address.role)
    return {"message": "dropped"}


def remove_dns(context: WorkflowContext) -> PhaseResult:
    with context.fenced() as session:
        drop_route(session, context.claim.deployment_id)
    return {"message": "removed"}


def revoke_proxy_keys(context: WorkflowContext) -> PhaseResult:
    with context.fenced() as session:
        count = rows.revoke_keys(session, context.platform.cache, context.parties(session).deployment)
    return {"message": f"{count} revoked"}


def delete_bucket(context: WorkflowContext) -> PhaseResult:
    """No deployment has a bucket so far: `provision_r2` refuses a tool that asks for one."""
    return SKIPPED


def wipe_credentials(context: WorkflowContext) -> PhaseResult:
    with context.fenced() as session:
        rows.wipe_credentials(session, context.parties(session).deployment)
    return {"message": "wiped"}


def disconnect_authorization(context: WorkflowContext) -> PhaseResult:
    with context.fenced() as session:
        rows.disconnect_app(session, context.parties(session).deployment)
    return {"message": "disconnected"}


def end_teardown(context: WorkflowContext) -> None:
    with context.fenced() as session:
        rows.mark_destroyed(session, context.parties(session).deployment)
        finish_operation(session, context.claim, OperationStatus.SUCCEEDED)


def fail_teardown(context: WorkflowContext, error: StepError) -> None:
    """Stay `destroying`, visibly stuck with its reason, until it is run again."""
    message = context.clean(error.message)
    context.log(context.failed_step, message, "error")
    with context.fenced() as session:
        deployment = context.parties(session).deployment
        deployment.error_step, deployment.error_message = context.failed_step, message
        finish_operation(session, context.claim, OperationStatus.FAILED)


TEARDOWN = Workflow(
    name="teardown",
    status=DeploymentStatus.DESTROYING,
    phases=(
        Phase("fetch_deployment", fetch_deployment, 5),
        Phase("teardown_compute", teardown_compute, 40),
        Phase("teardown_databases", teardown_databases, 55),
        Phase("remove_dns", remove_dns, 65),
        Phase("revoke_proxy_keys", revoke_proxy_keys, 75),
        Phase("delete_r2_bucket", delete_bucket, 80),
        Phase("wipe_credentials", wipe_credentials, 90),
        Phase("disconnect_authorization", disconnect_authorization, 95),
    ),
    end_well=end_teardown,
    end_badly=fail_teardown,
)
