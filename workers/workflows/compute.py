"""Phases 6 and 7: network, volumes, images, containers; each looked for before it is made."""

import random
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.deployments import addresses
from app.deployments.env import read_env
from app.deployments.logs import DeployLine
from app.deployments.rollout import ObservedService, observe_services
from deploy_runner.engines.base import ContainerState
from deploy_runner.errors import PortTakenError, StepError
from deploy_runner.journal import PhaseResult
from deploy_runner.plan import DeploymentPlan
from deploy_runner.ports import choose_port
from deploy_runner.steps.containers import await_containers_up, launch_services
from deploy_runner.steps.images import prepare_images
from deploy_runner.steps.volumes import create_volumes
from workers.workflows.context import WorkflowContext
from workers.workflows.networks import have_network
from workers.workflows.plans import build_plan, probed_services

STEP = "deploy_compute"
_TRIES = 20
_FLUSH_LINES = 50
_FLUSH_SECONDS = 0.5


def deploy_compute(context: WorkflowContext) -> PhaseResult:
    """Have the network, the volumes, the images and every container of this generation."""
    network_id = have_network(context)
    plan = read_plan(context)
    create_volumes(context.engine, plan)
    with _Output(context) as output:
        image_ids = prepare_images(context.engine, plan, network_id, output.write)
    states = _launch(context, image_ids)
    _observe(context, current_plan(context), states)
    return {"message": f"{len(states)} containers", "images": image_ids}


def await_compute(context: WorkflowContext) -> PhaseResult:
    """Wait until every long-running container is up."""
    plan = current_plan(context)
    _observe(context, plan, await_containers_up(context.engine, plan))
    return {"message": "up"}


def current_plan(context: WorkflowContext) -> DeploymentPlan:
    """The plan of this run: read once, and again when its addresses had to change."""
    return context.plan or read_plan(context)


def read_plan(context: WorkflowContext) -> DeploymentPlan:
    """The plan from the rows as they are now; addresses are given out first."""
    with context.fenced() as session:
        parties = context.parties(session)
        rows = read_env(session, context.platform.cipher, parties.deployment.id)
        subnet = addresses.find_subnet(session, parties.deployment.id) or ""
        ports = _ports(context, session, parties.deployment.manifest or {})
        plan = build_plan(context.platform.settings, parties, context.labels, rows, (subnet, ports))
    context.plan = plan
    return plan


def _ports(context: WorkflowContext, session: Session, manifest: Mapping[str, Any]) -> dict[str, int]:
    return {
        service["name"]: _port(context, session, service["name"]) for service in probed_services(manifest)
    }


def _port(context: WorkflowContext, session: Session, service: str) -> int:
    deployment_id, generation = context.claim.deployment_id, context.labels.generation
    low, high = context.platform.settings.host_ports
    for _ in range(_TRIES):
        known = addresses.find_port(session, deployment_id, service, generation)
        if known is not None:
            return known
        # A random start keeps two installs on one engine from walking into each other.
        taken = addresses.list_taken_ports(session)
        port = choose_port(range(low, high + 1), taken, random.randint(low, high))
        addresses.take_port(session, deployment_id, service, generation, port)
    raise StepError("Host ports are being taken faster than one can be chosen.", permanent=False)


def _launch(context: WorkflowContext, image_ids: Mapping[str, str]) -> list[ContainerState]:
    plan = current_plan(context)
    for _ in range(_TRIES):
        try:
            return launch_services(
                context.engine,
                plan,
                image_ids,
                lambda service, event: context.log(STEP, f"{service}: {event}"),
            )
        except PortTakenError as error:
            with context.fenced() as session:
                addresses.free_port(session, error.port)
            plan = read_plan(context)
    raise StepError("No free host port was found to publish the tool on.", permanent=False)


def _observe(context: WorkflowContext, plan: DeploymentPlan, states: list[ContainerState]) -> None:
    by_name = {state.service: state for state in states}
    observed = [
        ObservedService(
            name=service.name,
            position=position,
            role=service.role,
            state=by_name[service.name].state,
            image=by_name[service.name].image,
            image_id=by_name[service.name].image_id,
            container_id=by_name[service.name].id,
            restarts=by_name[service.name].restarts,
            started_at=by_name[service.name].started_at,
        )
        for position, service in enumerate(plan.services)
        if service.name in by_name
    ]
    with context.fenced() as session:
        observe_services(session, context.claim.deployment_id, observed)


class _Output:
    """Build and pull output on its way into the log, a few lines a write."""

    def __init__(self, context: WorkflowContext) -> None:
        self._context = context
        self._lines: list[DeployLine] = []
        self._flushed_at = time.monotonic()

    def __enter__(self) -> "_Output":
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    def write(self, service: str, line: str) -> None:
        self._lines.append(DeployLine(STEP, line, "debug", details={"service": service}))
        if len(self._lines) >= _FLUSH_LINES or time.monotonic() - self._flushed_at > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            self._context.log_all(lines)
        self._flushed_at = time.monotonic()
