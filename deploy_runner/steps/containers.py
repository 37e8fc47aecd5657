"""The services' containers, started in the plan's order."""

import time
from collections.abc import Callable, Collection, Mapping

from deploy_runner.engines.base import ContainerState, ContainerStatus, Engine
from deploy_runner.errors import EngineUnavailableError, StepError
from deploy_runner.plan import DeploymentPlan, Role, ServicePlan

UP_SECONDS = 600.0
STOP_GRACE_SECONDS = 10
_POLL_SECONDS = 0.1
# A worker has no health address; staying up this long is what can be asked of it.
_WORKER_SETTLE_SECONDS = 1.0

OnEvent = Callable[[str, str], None]


def launch_services(
    engine: Engine, plan: DeploymentPlan, image_ids: Mapping[str, str], on_event: OnEvent
) -> list[ContainerState]:
    """Start every service but cron ones, each after the one before is up or, for init, has finished.

    Raises StepError naming the service; its container is kept for inspection.
    """
    services = [service for service in plan.services if service.role != Role.CRON]
    launched = []
    for position, service in enumerate(services, start=1):
        state = engine.launch(plan, service, image_ids[service.name])
        on_event(service.name, "started")
        if service.role == Role.INIT:
            _await_init(engine, service, state, on_event)
        elif position < len(services):
            _await_running(engine, plan, service, state)
        launched.append(state)
    return launched


def _await_init(engine: Engine, service: ServicePlan, state: ContainerState, on_event: OnEvent) -> None:
    code = _wait_exit(engine, service, state)
    if code != 0:
        raise StepError(f"Init service {service.name} ended with exit code {code}.", service=service.name)
    on_event(service.name, "finished")


def _wait_exit(engine: Engine, service: ServicePlan, state: ContainerState) -> int:
    try:
        return engine.wait_exit(state.id, service.run_limit_seconds)
    except EngineUnavailableError:
        raise
    except StepError as error:
        engine.stop(state.id, STOP_GRACE_SECONDS)
        raise StepError(f"Init service {service.name}: {error.message}", service=service.name) from error


def _await_running(engine: Engine, plan: DeploymentPlan, service: ServicePlan, state: ContainerState) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while state.state != ContainerStatus.RUNNING:
        _require_time(deadline, [service.name])
        time.sleep(_POLL_SECONDS)
        state = _look(engine, plan, service)


def await_containers_up(
    engine: Engine, plan: DeploymentPlan, deadline_seconds: float = UP_SECONDS
) -> list[ContainerState]:
    """Return the long-running containers once all run; raises StepError as soon as one cannot come up."""
    deadline = time.monotonic() + deadline_seconds
    waiting = [service for service in plan.services if service.is_long_running]
    steady, seen = _Steadiness(), dict[str, ContainerState]()
    while True:
        seen.update({service.name: _look(engine, plan, service) for service in waiting})
        waiting = [service for service in waiting if not steady.is_up(service, seen[service.name])]
        if not waiting:
            return list(seen.values())
        _require_time(deadline, [service.name for service in waiting])
        time.sleep(_POLL_SECONDS)


class _Steadiness:
    """Remembers since when each container runs uninterrupted, by this machine's clock."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[ContainerState, float]] = {}

    def is_up(self, service: ServicePlan, state: ContainerState) -> bool:
        if state.state != ContainerStatus.RUNNING:
            return False
        if service.role == Role.WEB:
            # Its health address is polled next.
            return True
        known, since = self._seen.get(service.name, (state, time.monotonic()))
        if (known.id, known.started_at) != (state.id, state.started_at):
            since = time.monotonic()
        self._seen[service.name] = (state, since)
        return time.monotonic() - since >= _WORKER_SETTLE_SECONDS


def _look(engine: Engine, plan: DeploymentPlan, service: ServicePlan) -> ContainerState:
    state = engine.find_container(plan.container_name(service.name))
    reason = _why_down(service.name, state)
    if state is None or reason is not None:
        raise StepError(reason or "", service=service.name)
    return state


def find_give_up_reason(engine: Engine, plan: DeploymentPlan, service_name: str) -> str | None:
    """Tell why a service can never become ready, or None while it still may."""
    return _why_down(service_name, engine.find_container(plan.container_name(service_name)))


def describe_crashes(engine: Engine, plan: DeploymentPlan, service_name: str) -> str:
    """Tell that a service keeps ending although its restarts are not used up yet; empty when it does not."""
    state = engine.find_container(plan.container_name(service_name))
    if state is None or state.restarts == 0:
        return ""
    code = "" if state.exit_code is None else f", last with exit code {state.exit_code}"
    return f"It ended by itself {state.restarts} times{code}."


def _why_down(service_name: str, state: ContainerState | None) -> str | None:
    if state is None or state.state == ContainerStatus.MISSING:
        return f"The container of service {service_name} is gone."
    if state.exhausted:
        return (
            f"Service {service_name} kept ending with exit code {state.exit_code} and used up its restarts."
        )
    if state.state == ContainerStatus.EXITED:
        return f"Service {service_name} ended at once with exit code {state.exit_code}."
    return None


def _require_time(deadline: float, names: list[str]) -> None:
    if time.monotonic() >= deadline:
        raise StepError(f"Not up in time: {', '.join(names)}.", service=names[0])


def stop_services(engine: Engine, install_id: str, deployment_id: str, keep: Collection[str] = ()) -> None:
    """Stop the deployment's containers but those named in `keep`; they stay, to be looked at or started."""
    for container in engine.list_owned(install_id, deployment_id).containers:
        if container.name not in keep:
            engine.stop(container.id, STOP_GRACE_SECONDS)


def remove_containers(
    engine: Engine, install_id: str, deployment_id: str, keep: Collection[str] = ()
) -> None:
    """Remove the deployment's containers but those named in `keep`, letting each end by itself first."""
    for container in engine.list_owned(install_id, deployment_id).containers:
        if container.name not in keep:
            engine.stop(container.id, STOP_GRACE_SECONDS)
            engine.remove_container(container.id)
