"""Containers on a Docker Engine: one per name, adopted when it is already the right one."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import requests
from docker.errors import APIError, NotFound

from deploy_runner.engines.base import ContainerState
from deploy_runner.engines.container_config import container_config
from deploy_runner.engines.container_state import container_state
from deploy_runner.engines.docker_client import (
    AnonymousClient,
    engine_errors,
    explain,
    owner_filter,
    require_owner,
)
from deploy_runner.engines.docker_networks import find_network
from deploy_runner.errors import PortTakenError, StepError
from deploy_runner.plan import DeploymentPlan, Role, ServicePlan

STOP_GRACE_SECONDS = 10
_NAME_RETRIES = 40
_NAME_RETRY_SECONDS = 0.25
_PORT_TAKEN = ("port is already allocated", "address already in use")
_SHORTEST_SECRET = 6


class _Held(NamedTuple):
    container_id: str
    needs_start: bool


def launch(
    client: AnonymousClient, plan: DeploymentPlan, service: ServicePlan, image_id: str
) -> ContainerState:
    network_id = find_network(client, plan.network.name, plan.labels.install_id)
    if network_id is None:
        raise StepError(
            "The private network of this deployment is gone.", permanent=False, service=service.name
        )
    config = container_config(plan, service, image_id, network_id)
    held = _create_or_adopt(client, plan, service, config)
    if held.needs_start:
        _start(client, held.container_id, service)
    return container_state(inspect(client, held.container_id))


def _create_or_adopt(
    client: AnonymousClient, plan: DeploymentPlan, service: ServicePlan, config: dict[str, Any]
) -> _Held:
    """Create first: on the common path nothing has the name, and one round trip is enough."""
    name = plan.container_name(service.name)
    for _ in range(_NAME_RETRIES):
        held = _create(client, name, config, service)
        if held is None:
            held = _adopt_or_clear(client, name, plan.labels.install_id, config)
        if held is not None:
            return held
    raise StepError(f"The engine keeps the name {name} reserved.", permanent=False, service=service.name)


def _create(client: AnonymousClient, name: str, config: dict[str, Any], service: ServicePlan) -> _Held | None:
    """Return the new container, or None when the name is taken."""
    with _service_errors(service, "could not be created"):
        try:
            created = client.create_container_from_config(config, name)  # type: ignore[no-untyped-call]
        except APIError as error:
            # Older engines answer a name conflict with 400.
            if error.status_code in (400, 409) and "already in use" in explain(error):
                return None
            raise
    return _Held(str(created["Id"]), needs_start=True)


def _adopt_or_clear(
    client: AnonymousClient, name: str, install_id: str, config: dict[str, Any]
) -> _Held | None:
    """Return the holder of the name if it is what we want; else free the name and return None."""
    holder = find_raw(client, name)
    if holder is None:
        # The engine can go on reserving the name of a container that is gone already.
        time.sleep(_NAME_RETRY_SECONDS)
        return None
    labels = holder["Config"]["Labels"] or {}
    require_owner(labels, install_id, f"The container {name}")
    if labels.get("berth.spec") == config["Labels"]["berth.spec"]:
        status = holder["State"]["Status"]
        if status in ("running", "restarting") or _is_finished_init(holder):
            return _Held(holder["Id"], needs_start=False)
        if status == "created":
            return _Held(holder["Id"], needs_start=True)
    stop(client, holder["Id"], install_id, STOP_GRACE_SECONDS)
    remove_container(client, holder["Id"], install_id)
    return None


def _is_finished_init(holder: dict[str, Any]) -> bool:
    """A migration that went through does not run a second time because a later service failed."""
    is_init = holder["Config"]["Labels"].get("berth.role") == Role.INIT
    return bool(is_init and holder["State"]["Status"] == "exited" and holder["State"]["ExitCode"] == 0)


def _start(client: AnonymousClient, container_id: str, service: ServicePlan) -> None:
    with _service_errors(service, "could not start"):
        try:
            client.start(container_id)
        except APIError as error:
            if service.host_port is None or not any(words in explain(error) for words in _PORT_TAKEN):
                raise
            client.remove_container(container_id, force=True, v=True)
            raise PortTakenError(service.host_port, service=service.name) from error


@contextmanager
def _service_errors(service: ServicePlan, what: str) -> Iterator[None]:
    """Like engine_errors, but without values: the engine quotes parts of a request that it refuses."""
    try:
        with engine_errors(f"Service {service.name} {what}", service=service.name):
            yield
    except StepError as error:
        error.message = _hide(error.message, service.env.values())
        error.args = (error.message,)
        # Nor may the quoted text reach a log through the traceback.
        raise error from None


def _hide(text: str, values: Iterable[str]) -> str:
    for value in values:
        if len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "[hidden]")
    return text


def find_raw(client: AnonymousClient, name_or_id: str) -> dict[str, Any] | None:
    with engine_errors("The container could not be looked up"):
        try:
            return dict(client.inspect_container(name_or_id))
        except NotFound:
            return None


def inspect(client: AnonymousClient, container_id: str) -> dict[str, Any]:
    found = find_raw(client, container_id)
    if found is None:
        raise StepError("The container is gone.", permanent=False)
    return found


def find_container(client: AnonymousClient, name: str, install_id: str) -> ContainerState | None:
    found = find_raw(client, name)
    if found is None or (found["Config"]["Labels"] or {}).get("berth.install") != install_id:
        return None
    return container_state(found)


def list_raw(client: AnonymousClient, install_id: str, deployment_id: str | None) -> list[dict[str, Any]]:
    return list(client.containers(all=True, filters=owner_filter(install_id, deployment_id)))


def list_containers(client: AnonymousClient, install_id: str, deployment_id: str) -> list[ContainerState]:
    with engine_errors("The containers could not be listed"):
        ids = [entry["Id"] for entry in list_raw(client, install_id, deployment_id)]
    found = [find_raw(client, container_id) for container_id in ids]
    return [container_state(raw) for raw in found if raw is not None]


def wait_exit(client: AnonymousClient, container_id: str, timeout_seconds: float) -> int:
    """Return the exit code; raises StepError when the container still runs after the limit."""
    with engine_errors("The container could not be waited for"):
        try:
            return int(client.wait(container_id, timeout=timeout_seconds)["StatusCode"])  # type: ignore[arg-type]
        except (requests.ReadTimeout, requests.ConnectionError) as error:
            if "timed out" not in str(error).lower():
                raise
            raise StepError(f"It did not finish within {timeout_seconds:g} s.") from error


def stop(client: AnonymousClient, container_id: str, install_id: str, timeout: int) -> None:
    with engine_errors("The container could not be stopped"):
        found = find_raw(client, container_id)
        if found is None:
            return
        require_owner(found["Config"]["Labels"], install_id, f"The container {found['Name'].lstrip('/')}")
        try:
            client.stop(found["Id"], timeout=timeout)
        except NotFound:
            return


def start_again(client: AnonymousClient, container_id: str, install_id: str) -> None:
    found = inspect(client, container_id)
    require_owner(found["Config"]["Labels"], install_id, f"The container {found['Name'].lstrip('/')}")
    with engine_errors("The container could not be started again"):
        client.start(found["Id"])


def remove_container(client: AnonymousClient, container_id: str, install_id: str) -> None:
    found = find_raw(client, container_id)
    if found is None:
        return
    require_owner(found["Config"]["Labels"], install_id, f"The container {found['Name'].lstrip('/')}")
    with engine_errors("The container could not be removed"):
        try:
            # v takes the anonymous volumes along that the image itself asked for; named ones stay.
            client.remove_container(found["Id"], force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != 409 or "in progress" not in explain(error):
                raise
            _await_removal(client, found["Id"])


def _await_removal(client: AnonymousClient, container_id: str) -> None:
    for _ in range(_NAME_RETRIES):
        if find_raw(client, container_id) is None:
            return
        time.sleep(_NAME_RETRY_SECONDS)
    raise StepError("The engine is still removing the container.", permanent=False)
