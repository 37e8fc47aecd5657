"""The Engine that speaks to one Docker Engine."""

import shutil
from functools import cached_property
from typing import Any

from deploy_runner.build_context import Bases
from deploy_runner.engines import docker_containers, docker_images, docker_logs, docker_networks
from deploy_runner.engines.base import (
    ContainerState,
    EngineInfo,
    LogLine,
    Output,
    OwnedObject,
    OwnedObjects,
    Stream,
)
from deploy_runner.engines.docker_client import AnonymousClient, connect, engine_errors
from deploy_runner.plan import (
    DeploymentPlan,
    ImageSource,
    Labels,
    NetworkPlan,
    RegistryImage,
    ServicePlan,
    VolumePlan,
)


class DockerEngine:
    def __init__(self, docker_host: str | None, install_id: str, bases: Bases | None = None) -> None:
        self._docker_host = docker_host
        self._install_id = install_id
        self._bases = bases or Bases()

    @cached_property
    def _client(self) -> AnonymousClient:
        # Opened on first use, so that a worker can start while the engine is down.
        return connect(self._docker_host)

    def close(self) -> None:
        self._client.close()

    def info(self) -> EngineInfo:
        with engine_errors("The engine did not describe itself"):
            told = self._client.info()
        return EngineInfo(
            version=told["ServerVersion"],
            api_version=self._client.api_version,
            cpus=told["NCPU"],
            memory_bytes=told["MemTotal"],
            free_disk_bytes=_free_disk(told["DockerRootDir"]),
        )

    def list_subnets(self) -> list[str]:
        return docker_networks.list_subnets(self._client)

    def ensure_network(self, network: NetworkPlan, labels: Labels) -> str:
        return docker_networks.ensure_network(self._client, network, labels)

    def ensure_volume(self, volume: VolumePlan, labels: Labels) -> None:
        docker_networks.ensure_volume(self._client, volume, labels)

    def ensure_image(self, source: ImageSource, labels: Labels, network: str, on_output: Output) -> str:
        if isinstance(source, RegistryImage):
            return docker_images.ensure_registry_image(self._client, source, on_output)
        run = docker_images.BuildRun(network, self._bases, on_output)
        return docker_images.ensure_built_image(self._client, source, labels, run)

    def launch(self, plan: DeploymentPlan, service: ServicePlan, image_id: str) -> ContainerState:
        return docker_containers.launch(self._client, plan, service, image_id)

    def wait_exit(self, container_id: str, timeout_seconds: float) -> int:
        return docker_containers.wait_exit(self._client, container_id, timeout_seconds)

    def stop(self, container_id: str, timeout: int) -> None:
        docker_containers.stop(self._client, container_id, self._install_id, timeout)

    def start(self, container_id: str) -> None:
        docker_containers.start_again(self._client, container_id, self._install_id)

    def find_container(self, name: str) -> ContainerState | None:
        return docker_containers.find_container(self._client, name, self._install_id)

    def list_containers(self, install_id: str, deployment_id: str) -> list[ContainerState]:
        return docker_containers.list_containers(self._client, install_id, deployment_id)

    def tail_logs(self, container_id: str, lines: int = 200, max_bytes: int = 65536) -> list[LogLine]:
        return docker_logs.tail_logs(self._client, container_id, lines, max_bytes)

    def follow_logs(self, container_id: str, since_ns: int) -> Stream[LogLine]:
        return docker_logs.follow_logs(self._client, container_id, since_ns)

    def watch_starts(self, install_id: str) -> Stream[ContainerState]:
        return docker_logs.watch_starts(self._client, install_id)

    def remove_container(self, container_id: str) -> None:
        docker_containers.remove_container(self._client, container_id, self._install_id)

    def remove_network(self, network_id: str) -> None:
        docker_networks.remove_network(self._client, network_id, self._install_id)

    def remove_volume(self, name: str) -> None:
        docker_networks.remove_volume(self._client, name, self._install_id)

    def remove_image(self, image_id: str) -> None:
        docker_images.remove_image(self._client, image_id, self._install_id)

    def list_owned(self, install_id: str, deployment_id: str | None = None) -> OwnedObjects:
        of = (self._client, install_id, deployment_id)
        with engine_errors("The objects of this installation could not be listed"):
            return OwnedObjects(
                containers=[
                    _owned(raw, raw["Names"][0].lstrip("/")) for raw in docker_containers.list_raw(*of)
                ],
                networks=[_owned(raw, raw["Name"]) for raw in docker_networks.list_networks(*of)],
                volumes=[
                    _owned({"Id": raw["Name"], **raw}, raw["Name"])
                    for raw in docker_networks.list_volumes(*of)
                ],
                images=[
                    _owned(raw, _first_tag(raw))
                    for raw in docker_images.list_images(self._client, install_id)
                ],
            )


def _owned(raw: dict[str, Any], name: str) -> OwnedObject:
    return OwnedObject(raw["Id"], name, dict(raw["Labels"] or {}))


def _first_tag(raw: dict[str, Any]) -> str:
    return str((raw["RepoTags"] or [raw["Id"]])[0])


def _free_disk(path: str) -> int | None:
    """Known only when the engine's files are on this machine and may be looked at."""
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None
