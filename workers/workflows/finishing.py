"""Phases 10 to 14, and the two ends of a deploy."""

from app.deployments.logs import DeployLine, append_deploy_logs
from app.deployments.operation_models import OperationStatus
from app.deployments.operations import finish_operation
from app.deployments.rollout import mark_failed, mark_running, store_version
from app.identity.keys import list_app_keys, publish_key
from deploy_runner.errors import StepError
from deploy_runner.journal import PhaseResult
from workers.workflows.context import WorkflowContext
from workers.workflows.prepare import SKIPPED
from workers.workflows.routing import FAILED_STEP, NotReadyError

CAPTURE_STEP = "collect_app_logs_on_failure"
_TAIL = (DeployLine("run_deploy_hooks", "skipped"), DeployLine("notify_user", "running"))


def bootstrap_admin(context: WorkflowContext) -> PhaseResult:
    bootstrap = context.manifest().get("adminBootstrap")
    if bootstrap and bootstrap["authMode"] == "api_seed":
        raise StepError("This tool seeds its admin over HTTP, which cannot be done so far.")
    return SKIPPED


def seed_app_credentials(context: WorkflowContext) -> PhaseResult:
    if context.manifest().get("appCredentialSeed"):
        raise StepError("This tool asks for seeded credentials, which cannot be done so far.")
    return SKIPPED


def sync_proxy_keys(context: WorkflowContext) -> PhaseResult:
    """Put the key records into the cache; a cache that is down costs a look-up later, not the deploy."""
    with context.fenced() as session:
        app_id = context.parties(session).deployment.authorization_id
        keys = list_app_keys(session, app_id) if app_id else []
    for key in keys:
        publish_key(context.platform.cache, key)
    return {"message": f"{len(keys)} keys"}


def provision_bundle(context: WorkflowContext) -> PhaseResult:
    """Keep what this version consists of, for rollback."""
    with context.fenced() as session:
        deployment = context.parties(session).deployment
        store_version(session, deployment, context.results["deploy_compute"]["images"])
        return {"message": str(deployment.deployed_template_version)}


def end_deploy(context: WorkflowContext) -> None:
    """The deployment runs; the operation ends in the same transaction."""
    with context.fenced() as session:
        mark_running(context.parties(session).deployment)
        append_deploy_logs(session, context.owner, _TAIL)
        finish_operation(session, context.claim, OperationStatus.SUCCEEDED)


def fail_deploy(context: WorkflowContext, error: StepError) -> None:
    """Keep everything for inspection, and say what happened where the owner looks."""
    context.settle()
    step = FAILED_STEP if isinstance(error, NotReadyError) else context.failed_step
    message = context.clean(error.message)
    context.log(step, message, "error", {"service": error.service} if error.service else {})
    context.log_all(_captured(context))
    with context.fenced() as session:
        mark_failed(context.parties(session).deployment, step, message)
        finish_operation(session, context.claim, OperationStatus.FAILED)


def _captured(context: WorkflowContext) -> list[DeployLine]:
    """The last output of every container, one row per service, then a summary."""
    install_id, deployment_id = context.labels.install_id, context.labels.deployment_id
    lines, summary = [], []
    try:
        for state in context.engine.list_containers(install_id, deployment_id):
            output = context.engine.tail_logs(state.id)
            summary.append(f"{state.service}: {len(output)} lines")
            text = "\n".join(line.message for line in output)
            lines.append(
                DeployLine(CAPTURE_STEP, text or "no output", "info", details={"service": state.service})
            )
    except StepError as error:
        summary.append(f"not all output could be read: {error.message}")
    return [*lines, DeployLine(CAPTURE_STEP, ", ".join(summary) or "no containers")]
