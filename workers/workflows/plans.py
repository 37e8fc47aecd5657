"""From rows to a plan: what should run, as plain values for the engine."""

from collections.abc import Mapping
from typing import Any

from app.core.config import Settings
from app.deployments.env import EnvRow, env_for_service
from app.deployments.rollout import Parties
from deploy_runner.build import artifact_digest
from deploy_runner.errors import StepError
from deploy_runner.plan import (
    ArtifactBuild,
    DeploymentPlan,
    GitBuild,
    ImageSource,
    Labels,
    NetworkPlan,
    ReadinessBudget,
    RegistryImage,
    ServicePlan,
    VolumePlan,
    network_name,
    split_command,
    volume_name,
)

Manifest = Mapping[str, Any]


def web_service(manifest: Manifest) -> Manifest:
    found: Manifest = next(service for service in manifest["services"] if service["role"] == "web")
    return found


def probed_services(manifest: Manifest) -> list[Manifest]:
    """The web service, and each other long-running one that names a health path."""
    return [
        service
        for service in manifest["services"]
        if service["role"] == "web" or (service["role"] == "worker" and service.get("healthPath"))
    ]


def build_plan(
    settings: Settings,
    parties: Parties,
    labels: Labels,
    env_rows: list[EnvRow],
    addresses: tuple[str, Mapping[str, int]],
) -> DeploymentPlan:
    """The deployment in start order; `addresses` is its subnet and its services' host ports."""
    subnet, ports = addresses
    manifest = parties.deployment.manifest or {}
    by_name = {service["name"]: service for service in manifest["services"]}
    ordered = [by_name[step["service"]] for step in manifest["startSequence"]]
    services = tuple(
        _service_plan(settings, parties, service, env_for_service(env_rows, service["name"]), ports)
        for service in ordered
    )
    return DeploymentPlan(labels, NetworkPlan(network_name(labels.deployment_id), subnet), services)


def _service_plan(
    settings: Settings, parties: Parties, service: Manifest, env: dict[str, str], ports: Mapping[str, int]
) -> ServicePlan:
    manifest = parties.deployment.manifest or {}
    resources = service.get("resources") or {}
    command = service.get("startCommand")
    return ServicePlan(
        name=service["name"],
        role=service["role"],
        image=_image(settings, parties, service),
        env={**env, "PORT": str(service["port"])},
        port=service["port"],
        command=split_command(command) if command else None,
        volumes=tuple(_volume(parties, service["name"], entry) for entry in service.get("volumes") or []),
        cpus=resources.get("cpus", settings.default_cpus),
        memory_mb=resources.get("memoryMB", settings.default_memory_mb),
        health_path=_health_path(manifest, service),
        run_limit_seconds=service.get("healthcheckTimeout") or 600,
        budget=_budget(manifest, service),
        host_port=ports.get(service["name"]),
    )


def _image(settings: Settings, parties: Parties, service: Manifest) -> ImageSource:
    # Installs that share an engine share its image names, so the install is part of them.
    owner = settings.install_id[:12].strip("-")
    tag = f"berth/{owner}/{parties.tool.slug}:{parties.target_version}-{service['name']}"
    if service.get("image"):
        return RegistryImage(service["image"])
    if service.get("buildArtifact"):
        archive = settings.artifact_path / service["buildArtifact"]
        if not archive.is_file():
            raise StepError(
                f"The build artifact {service['buildArtifact']} is not in the artifact store.",
                service=service["name"],
            )
        return ArtifactBuild(archive, f"{tag}-{artifact_digest(archive)[:12]}")
    source = (parties.deployment.manifest or {})["source"]
    return GitBuild(
        repo=source["repo"],
        ref=source.get("ref"),
        dockerfile=source.get("dockerfile") or "Dockerfile",
        context=source.get("context") or ".",
        install_command=source.get("installCommand"),
        build_command=source.get("buildCommand"),
        output_dir=source.get("outputDir"),
        node_version=str(source.get("nodeVersion") or 20),
        tag=f"{tag}-{(source.get('ref') or 'default')[:12]}",
    )


def _volume(parties: Parties, service: str, entry: Manifest) -> VolumePlan:
    name = volume_name(parties.deployment.id.hex, service, entry["mountPath"])
    return VolumePlan(name, entry["mountPath"], entry.get("sizeGB") or 1)


def _health_path(manifest: Manifest, service: Manifest) -> str | None:
    if service["role"] == "web":
        return str(manifest["readiness"]["healthPath"])
    return service.get("healthPath")


def _budget(manifest: Manifest, service: Manifest) -> ReadinessBudget:
    readiness = manifest["readiness"]
    retries, interval = readiness["maxRetries"], readiness["retryIntervalSec"]
    total = service.get("healthcheckTimeout") if service["role"] != "init" else None
    return ReadinessBudget(
        retries, interval, total or retries * interval, readiness.get("expectedBootTimeSec")
    )
