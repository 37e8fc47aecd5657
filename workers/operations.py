"""The task behind the doorbell: claim the row, run its workflow under a lease, end it."""

import logging
from contextlib import closing
from typing import Any
from uuid import UUID

from celery import shared_task
from sqlalchemy.exc import OperationalError

from app.core.logs import describe_bug
from app.deployments.operation_models import OperationKind
from app.deployments.operations import Claim, FenceLostError, claim_operation, release_operation
from deploy_runner.errors import StepError
from deploy_runner.journal import LostLeaseError
from workers.leases import Heartbeat
from workers.runtime import Runtime, get_runtime
from workers.workflows.context import WorkflowContext
from workers.workflows.deploy import DEPLOY
from workers.workflows.teardown import TEARDOWN
from workers.workflows.workflow import Workflow

log = logging.getLogger(__name__)

EXHAUSTED = "OPERATION_EXHAUSTED"
_BUG = "Something went wrong inside Berth; its log has the details."

WORKFLOWS: dict[OperationKind, Workflow] = {
    OperationKind.DEPLOY: DEPLOY,
    OperationKind.TEARDOWN: TEARDOWN,
}


@shared_task(name="operations.run")
def run(operation_id: str) -> None:
    """Do one operation, unless another worker holds it or it has ended."""
    runtime = get_runtime()
    settings = runtime.platform.settings
    with runtime.platform.database.transaction() as session:
        claim = claim_operation(session, UUID(operation_id), runtime.worker, settings.lease_seconds)
    if claim is not None:
        with Heartbeat(runtime.platform, claim):
            run_claimed(runtime, claim)


def run_claimed(runtime: Runtime, claim: Claim) -> None:
    """Walk the workflow of a claimed operation to its end, a recorded failure, or a later try."""
    workflow = WORKFLOWS[claim.kind]
    try:
        with closing(WorkflowContext.open(runtime, claim, workflow)) as context:
            _run_to_an_end(context, workflow)
    except (LostLeaseError, FenceLostError):
        log.info("operation was taken over", extra={"fields": _ids(claim)})
    except OperationalError:
        # The database is away: nothing can be written, so the lease lapses and the sweeper offers it again.
        log.warning(
            "database unreachable, leaving the operation to the sweeper", extra={"fields": _ids(claim)}
        )


def _run_to_an_end(context: WorkflowContext, workflow: Workflow) -> None:
    try:
        workflow.run(context)
    except (LostLeaseError, FenceLostError, OperationalError):
        raise
    except StepError as error:
        _settle_failure(context, workflow, error)
    except Exception as error:
        fields = {**_ids(context.claim), **describe_bug(error)}
        log.error("workflow broke", extra={"fields": fields})
        _settle_failure(context, workflow, StepError(_BUG, permanent=False))


def _settle_failure(context: WorkflowContext, workflow: Workflow, error: StepError) -> None:
    """Record a failure that trying again cannot help; give anything else back to be tried again."""
    claim, platform = context.claim, context.platform
    if not error.permanent and claim.attempts >= platform.settings.max_attempts:
        words = f"{EXHAUSTED}: {error.message} It was tried {claim.attempts} times."
        error = StepError(words, service=error.service)
    if error.permanent:
        workflow.end_badly(context, error)
        return
    context.log(context.failed_step, f"{error.message} It will be tried again.", "warn")
    with platform.database.transaction() as session:
        release_operation(session, claim)


def _ids(claim: Claim) -> dict[str, Any]:
    return {"operation_id": str(claim.operation_id), "deployment_id": str(claim.deployment_id)}
