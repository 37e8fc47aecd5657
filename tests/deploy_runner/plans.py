"""Plans that tests vary by keyword."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deploy_runner.engines.base import ContainerState, Engine
from deploy_runner.plan import (
    DeploymentPlan,
    Labels,
    NetworkPlan,
    RegistryImage,
    Role,
    ServicePlan,
    VolumePlan,
    network_name,
    volume_name,
)
from deploy_runner.subnets import choose_subnet, engine_subnets

HTTPD = ("httpd", "-f", "-p", "8080", "-h", "/www")


def make_labels(**changes: Any) -> Labels:
    values: dict[str, Any] = {
        "install_id": "install",
        "deployment_id": "d" * 32,
        "operation_id": "operation-1",
        "fence": 1,
        "generation": 1,
        "tenant_id": "tenant-1",
    }
    return Labels(**{**values, **changes})


def make_service(name: str = "web", **changes: Any) -> ServicePlan:
    values: dict[str, Any] = {
        "name": name,
        "role": Role.WEB,
        "image": RegistryImage("example/tool:1"),
        "env": {"PORT": "8080"},
        "port": 8080,
        "command": HTTPD,
        "volumes": (),
        "cpus": 0.5,
        "memory_mb": 64,
        "health_path": "/",
        "run_limit_seconds": 30,
        "budget": None,
        "host_port": None,
    }
    return ServicePlan(**{**values, **changes})


@dataclass(frozen=True)
class Deployment:
    install_id: str
    id: str
    image: str
    subnet: str

    @property
    def network(self) -> NetworkPlan:
        return NetworkPlan(network_name(self.id), self.subnet)

    def labels(self, **changes: Any) -> Labels:
        return make_labels(install_id=self.install_id, deployment_id=self.id, **changes)

    def service(self, name: str = "web", **changes: Any) -> ServicePlan:
        return make_service(name, **{"image": RegistryImage(self.image), **changes})

    def volume(self, service: str = "web", mount_path: str = "/data") -> VolumePlan:
        return VolumePlan(volume_name(self.id, service, mount_path), mount_path, 1)

    def plan(self, *services: ServicePlan, **label_changes: Any) -> DeploymentPlan:
        return DeploymentPlan(self.labels(**label_changes), self.network, services)

    def image_ids(self, engine: Engine, plan: DeploymentPlan) -> dict[str, str]:
        image_id = engine.ensure_image(RegistryImage(self.image), self.labels(), "none", print)
        return {service.name: image_id for service in plan.services}

    def launch(self, engine: Engine, service: ServicePlan, **label_changes: Any) -> ContainerState:
        """The service's container, on a network that is made when it is absent."""
        plan = self.plan(service, **label_changes)
        engine.ensure_network(plan.network, plan.labels)
        return engine.launch(plan, service, self.image_ids(engine, plan)[service.name])


def free_subnet(engine: Engine) -> str:
    return choose_subnet("10.216.0.0/16", 28, engine_subnets(engine), [])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
