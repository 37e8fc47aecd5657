"""Phases 8, 9 and 13: the route record, readiness, and the edge's own word that it serves."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from app.deployments.models import DeploymentStatus
from app.deployments.route_records import SERVING, set_route_status, write_route
from deploy_runner.errors import StepError
from deploy_runner.health import ProbeResult, await_ready, probe
from deploy_runner.journal import PhaseResult
from deploy_runner.plan import DeploymentPlan, ServicePlan
from deploy_runner.steps.containers import describe_crashes, find_give_up_reason
from workers.workflows.compute import current_plan
from workers.workflows.context import WorkflowContext
from workers.workflows.plans import web_service

LOOPBACK = "127.0.0.1"
FAILED_STEP = "health_check_failed"
_EDGE_SECONDS = 30.0
_EDGE_PAUSE = 0.02
_LOOK_SECONDS = 0.5


def set_up_domain(context: WorkflowContext) -> PhaseResult:
    """Write the route record of the label; it serves nothing yet."""
    plan = current_plan(context)
    with context.fenced() as session:
        parties = context.parties(session)
        service = web_service(parties.deployment.manifest or {})["name"]
        target = f"{LOOPBACK}:{_host_port(plan, service)}"
        write_route(session, parties.deployment, target, DeploymentStatus.DEPLOYING)
        return {"message": parties.deployment.subdomain, "target": target}


def await_readiness(context: WorkflowContext) -> PhaseResult:
    """Poll each probed service until it is well; raises StepError when its budget ends."""
    plan = current_plan(context)
    for service in plan.services:
        # Exactly the services that are asked for their health have a port.
        if service.host_port is not None:
            _await_service(context, plan, service)
    return {"message": "ready"}


def await_edge(context: WorkflowContext) -> PhaseResult:
    """Let the label serve, and wait until the edge says that it does."""
    settings = context.platform.settings
    with context.fenced() as session:
        set_route_status(session, context.claim.deployment_id, SERVING)
        label = context.parties(session).deployment.subdomain
    url = f"{settings.edge_origin}/d/{label}/__vendo/ready"
    deadline, pause = time.monotonic() + _EDGE_SECONDS, _EDGE_PAUSE
    while not (result := probe(url)).ok:
        if time.monotonic() > deadline:
            raise StepError(f"The edge does not serve {label} ({result.error}).", permanent=False)
        time.sleep(pause)
        pause = min(pause * 2, 1.0)
    return {"message": label}


def _await_service(context: WorkflowContext, plan: DeploymentPlan, service: ServicePlan) -> None:
    url = f"http://{LOOPBACK}:{service.host_port}{service.health_path}"

    def report(attempt: int, result: ProbeResult, is_in_boot: bool) -> None:
        level = "info" if result.ok else "debug" if is_in_boot else "warn"
        message = f"status {result.status}" if result.status else result.error or "no answer"
        context.log(f"health_attempt_{attempt}", message, level, _details(service, result))

    result = await_ready(url, service.budget, report, _throttled(context, plan, service.name))
    if not result.ok:
        raise NotReadyError(service, result, describe_crashes(context.engine, plan, service.name))


class NotReadyError(StepError):
    """A service used up its budget, or its restarts, without being well once."""

    def __init__(self, service: ServicePlan, result: ProbeResult, crashes: str) -> None:
        reason = (result.error or "no answer").rstrip(".")
        said = (
            f"Service {service.name} was not ready within {service.budget.total_seconds:g} s "
            f"at {service.health_path}: {reason}. {crashes}"
        )
        super().__init__(said.rstrip(), service=service.name)


def _throttled(context: WorkflowContext, plan: DeploymentPlan, service: str) -> Callable[[], str | None]:
    """Ask the engine whether waiting still makes sense, but far less often than the service is asked."""
    asked_at = time.monotonic()

    def give_up() -> str | None:
        nonlocal asked_at
        if time.monotonic() - asked_at < _LOOK_SECONDS:
            return None
        asked_at = time.monotonic()
        return find_give_up_reason(context.engine, plan, service)

    return give_up


def _host_port(plan: DeploymentPlan, service: str) -> int | None:
    return next(item.host_port for item in plan.services if item.name == service)


def _details(service: ServicePlan, result: ProbeResult) -> Mapping[str, Any]:
    return {
        "service": service.name,
        "status": result.status,
        "error": result.error,
        "durationMs": result.duration_ms,
    }
