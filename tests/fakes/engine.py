"""A container engine in memory; a launched service answers on its host port until it is removed."""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from deploy_runner.engines.base import (
    ContainerState,
    ContainerStatus,
    EngineInfo,
    LogLine,
    Output,
    OwnedObject,
    OwnedObjects,
    Stream,
)
from deploy_runner.plan import DeploymentPlan, ImageSource, Labels, NetworkPlan, Role, ServicePlan, VolumePlan


class _Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Nobody reads it."""


def _serve(port: int) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", port), _Well)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


@dataclass
class FakeEngine:
    """Implements `Engine`. `troubles` are raised, one per call, by the method of that name."""

    troubles: dict[str, list[Exception]] = field(default_factory=lambda: defaultdict(list))
    before_launch: Callable[[], None] = lambda: None
    calls: Counter[str] = field(default_factory=Counter)
    states: dict[str, ContainerState] = field(default_factory=dict)
    networks: dict[str, OwnedObject] = field(default_factory=dict)
    volumes: dict[str, OwnedObject] = field(default_factory=dict)
    subnets: dict[str, str] = field(default_factory=dict)
    output: list[LogLine] = field(default_factory=list)
    _labels: dict[str, dict[str, str]] = field(default_factory=dict)
    _servers: dict[str, ThreadingHTTPServer] = field(default_factory=dict)

    def info(self) -> EngineInfo:
        return EngineInfo("20.10", "1.41", 2, 1 << 30, None)

    def list_subnets(self) -> list[str]:
        return list(self.subnets.values())

    def ensure_network(self, network: NetworkPlan, labels: Labels) -> str:
        self._count("ensure_network")
        self.networks[network.name] = OwnedObject(network.name, network.name, labels.as_dict())
        self.subnets[network.name] = network.subnet
        return network.name

    def ensure_volume(self, volume: VolumePlan, labels: Labels) -> None:
        self._count("ensure_volume")
        self.volumes[volume.name] = OwnedObject(volume.name, volume.name, labels.as_dict())

    def ensure_image(self, source: ImageSource, labels: Labels, network: str, on_output: Output) -> str:
        self._count("ensure_image")
        on_output("Step 1/1 : FROM scratch")
        return "sha256:1"

    def launch(self, plan: DeploymentPlan, service: ServicePlan, image_id: str) -> ContainerState:
        self.before_launch()
        self._count("launch")
        name = plan.container_name(service.name)
        if name not in self.states:
            self._add(name, plan, service, image_id)
        return self.states[name]

    def wait_exit(self, container_id: str, timeout_seconds: float) -> int:
        return self.states[container_id].exit_code or 0

    def stop(self, container_id: str, timeout: int) -> None:
        if container_id in self.states:
            self.set_state(container_id, state=ContainerStatus.EXITED, exit_code=0)

    def start(self, container_id: str) -> None:
        self._count("start")
        self.set_state(container_id, state=ContainerStatus.RUNNING, exit_code=None)

    def find_container(self, name: str) -> ContainerState | None:
        return self.states.get(name)

    def list_containers(self, install_id: str, deployment_id: str) -> list[ContainerState]:
        return [self.states[item.id] for item in self.list_owned(install_id, deployment_id).containers]

    def tail_logs(self, container_id: str, lines: int = 200, max_bytes: int = 65536) -> list[LogLine]:
        return self.output

    def follow_logs(self, container_id: str, since_ns: int) -> Stream[LogLine]:
        raise NotImplementedError

    def watch_starts(self, install_id: str) -> Stream[ContainerState]:
        raise NotImplementedError

    def remove_container(self, container_id: str) -> None:
        self._count("remove_container")
        self.states.pop(container_id, None)
        if server := self._servers.pop(container_id, None):
            server.shutdown()
            server.server_close()

    def remove_network(self, network_id: str) -> None:
        self._count("remove_network")
        self.networks.pop(network_id, None)
        self.subnets.pop(network_id, None)

    def remove_volume(self, name: str) -> None:
        self.volumes.pop(name, None)

    def remove_image(self, image_id: str) -> None:
        """Images are shared and stay."""

    def list_owned(self, install_id: str, deployment_id: str | None = None) -> OwnedObjects:
        containers = [OwnedObject(name, name, self._labels[name]) for name in self.states]
        kinds = (containers, self.networks.values(), self.volumes.values())
        return OwnedObjects(*([item for item in kind if _is_of(item, deployment_id)] for kind in kinds), [])

    def set_state(self, container_id: str, **changes: Any) -> None:
        self.states[container_id] = replace(self.states[container_id], **changes)

    def close(self) -> None:
        for name in list(self.states):
            self.remove_container(name)

    def _add(self, name: str, plan: DeploymentPlan, service: ServicePlan, image_id: str) -> None:
        is_init = service.role == Role.INIT
        self._labels[name] = plan.labels.as_dict(service=service.name)
        self.states[name] = ContainerState(
            id=name,
            name=name,
            service=service.name,
            state=ContainerStatus.EXITED if is_init else ContainerStatus.RUNNING,
            exit_code=0 if is_init else None,
            image="example/tool:1",
            image_id=image_id,
            restarts=0,
            started_at=datetime.now(UTC),
            host_port=service.host_port,
            exhausted=False,
        )
        if service.host_port is not None:
            self._servers[name] = _serve(service.host_port)

    def _count(self, method: str) -> None:
        self.calls[method] += 1
        if self.troubles[method]:
            raise self.troubles[method].pop(0)


def _is_of(item: OwnedObject, deployment_id: str | None) -> bool:
    return deployment_id is None or item.labels["berth.deployment"] == deployment_id
