"""What Berth asks of a container engine. All it makes there carries labels; it removes nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple, Protocol, TypeVar

from deploy_runner.plan import DeploymentPlan, ImageSource, Labels, NetworkPlan, ServicePlan, VolumePlan

Output = Callable[[str], None]
Item = TypeVar("Item", covariant=True)


class ContainerStatus(StrEnum):
    CREATED = "created"
    RUNNING = "running"
    RESTARTING = "restarting"
    EXITED = "exited"
    MISSING = "missing"


@dataclass(frozen=True)
class ContainerState:
    id: str
    name: str
    service: str
    state: ContainerStatus
    exit_code: int | None
    image: str
    image_id: str
    restarts: int
    started_at: datetime | None
    host_port: int | None
    exhausted: bool


@dataclass(frozen=True)
class LogLine:
    timestamp_ns: int
    stream: Literal["stdout", "stderr"]
    message: str


@dataclass(frozen=True)
class EngineInfo:
    version: str
    api_version: str
    cpus: int
    memory_bytes: int
    free_disk_bytes: int | None


class OwnedObject(NamedTuple):
    id: str
    name: str
    labels: dict[str, str]


@dataclass(frozen=True)
class OwnedObjects:
    containers: list[OwnedObject]
    networks: list[OwnedObject]
    volumes: list[OwnedObject]
    images: list[OwnedObject]


class Stream(Iterator[Item], Protocol[Item]):
    """A blocking iterator that another thread may close; closing ends the iteration."""

    def close(self) -> None: ...


class Engine(Protocol):
    """Every method raises StepError, and EngineUnavailableError when the engine does not answer."""

    def info(self) -> EngineInfo: ...

    def list_subnets(self) -> list[str]: ...

    def ensure_network(self, network: NetworkPlan, labels: Labels) -> str:
        """Return the network's id; raises SubnetTakenError when its subnet overlaps another's."""

    def ensure_volume(self, volume: VolumePlan, labels: Labels) -> None: ...

    def ensure_image(self, source: ImageSource, labels: Labels, network: str, on_output: Output) -> str:
        """Return the image's id, pulling or building it only when it is absent."""

    def launch(self, plan: DeploymentPlan, service: ServicePlan, image_id: str) -> ContainerState:
        """Have exactly this container running; raises PortTakenError when its host port is in use."""

    def wait_exit(self, container_id: str, timeout_seconds: float) -> int: ...

    def stop(self, container_id: str, timeout: int) -> None: ...

    def start(self, container_id: str) -> None:
        """Start a stopped container again, as it was."""

    def find_container(self, name: str) -> ContainerState | None: ...

    def list_containers(self, install_id: str, deployment_id: str) -> list[ContainerState]: ...

    def tail_logs(self, container_id: str, lines: int = 200, max_bytes: int = 65536) -> list[LogLine]: ...

    def follow_logs(self, container_id: str, since_ns: int) -> Stream[LogLine]:
        """Every line written after `since_ns`, until the container is gone or the stream is closed."""

    def watch_starts(self, install_id: str) -> Stream[ContainerState]:
        """A state for each owned container that starts or dies from now on."""

    def remove_container(self, container_id: str) -> None: ...

    def remove_network(self, network_id: str) -> None: ...

    def remove_volume(self, name: str) -> None: ...

    def remove_image(self, image_id: str) -> None: ...

    def list_owned(self, install_id: str, deployment_id: str | None = None) -> OwnedObjects:
        """What carries the installation's label, of one deployment or all; images belong to no deployment."""
