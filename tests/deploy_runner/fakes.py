"""Engines that exist in memory only."""

from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from docker.errors import APIError, NotFound
from requests import Response

from deploy_runner.engines.base import ContainerState, ContainerStatus, Output, OwnedObject, OwnedObjects
from deploy_runner.errors import StepError
from deploy_runner.plan import DeploymentPlan, ImageSource, Labels, ServicePlan


def make_state(**changes: Any) -> ContainerState:
    state = ContainerState(
        id="c1",
        name="berth-web",
        service="web",
        state=ContainerStatus.RUNNING,
        exit_code=None,
        image="example/tool:1",
        image_id="sha256:1",
        restarts=0,
        started_at=None,
        host_port=None,
        exhausted=False,
    )
    return replace(state, **changes)


@dataclass
class FakeEngine:
    """Answers the few questions that the steps ask, from lists that a test fills."""

    looks: list[ContainerState | None] = field(default_factory=list)
    images: list[ImageSource] = field(default_factory=list)
    absent: tuple[ImageSource, ...] = ()
    stubborn: bool = False
    removed: list[str] = field(default_factory=list)
    owned: OwnedObjects = field(default_factory=lambda: OwnedObjects([], [], [], []))

    def find_container(self, name: str) -> ContainerState | None:
        """Each look sees the next state; the last one lasts."""
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def launch(self, plan: DeploymentPlan, service: ServicePlan, image_id: str) -> ContainerState:
        return make_state(service=service.name, state=ContainerStatus.CREATED)

    def ensure_image(self, source: ImageSource, labels: Labels, network: str, on_output: Output) -> str:
        if source in self.absent:
            raise StepError("no such image")
        on_output("done")
        self.images.append(source)
        return f"sha256:{len(self.images)}"

    def list_owned(self, install_id: str, deployment_id: str | None = None) -> OwnedObjects:
        gone = set() if self.stubborn else set(self.removed)
        return OwnedObjects(*([item for item in kind if item.id not in gone] for kind in self.owned_kinds()))

    def remove_container(self, container_id: str) -> None:
        self.removed.append(container_id)

    def owned_kinds(self) -> list[list[OwnedObject]]:
        return [self.owned.containers, self.owned.networks, self.owned.volumes, self.owned.images]


class ReservedNameClient:
    """An engine that goes on reserving the name of a container that is gone, for some attempts."""

    def __init__(self, conflicts: int, status: int) -> None:
        self._attempts = count(1)
        self._conflicts = conflicts
        self._status = status
        self.created = 0

    def create_container_from_config(self, config: dict[str, Any], name: str) -> dict[str, str]:
        if next(self._attempts) <= self._conflicts:
            answer = Response()
            answer.status_code = self._status
            raise APIError("conflict", answer, f'The container name "/{name}" is already in use')
        self.created += 1
        return {"Id": "new"}

    def inspect_container(self, name: str) -> dict[str, Any]:
        raise NotFound("no such container")
