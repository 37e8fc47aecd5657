"""The body of a container create request, built as a plain value apart from whoever sends it."""

import hashlib
import hmac
import json
from typing import Any

from deploy_runner.plan import DeploymentPlan, RegistryImage, ServicePlan

PIDS_LIMIT = 512
MAX_RESTARTS = 10
LOOPBACK = "127.0.0.1"

# What an ordinary image needs: entry points chown their data and step down to a user of their own, servers
# bind port 80, supervisors signal their children. Raw sockets, device nodes and the rest stay dropped.
KEPT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")

# They differ between two attempts at the same thing, so they do not make another container of it.
_ATTEMPT_LABELS = frozenset({"berth.operation", "berth.fence"})


def container_config(
    plan: DeploymentPlan, service: ServicePlan, image_id: str, network_id: str
) -> dict[str, Any]:
    config: dict[str, Any] = {
        "Image": image_id,
        "Env": [f"{key}={value}" for key, value in service.env.items()],
        "Labels": container_labels(plan, service),
        "HostConfig": host_config(service, network_id),
        "NetworkingConfig": {"EndpointsConfig": {network_id: {"Aliases": [service.name]}}},
    }
    if service.command is not None:
        config["Cmd"] = list(service.command)
    if service.host_port is not None:
        config["ExposedPorts"] = {f"{service.port}/tcp": {}}
    config["Labels"]["berth.spec"] = spec_digest(config, service)
    return config


def container_labels(plan: DeploymentPlan, service: ServicePlan) -> dict[str, str]:
    return plan.labels.as_dict(service=service.name, role=service.role, image=image_reference(service))


def image_reference(service: ServicePlan) -> str:
    return service.image.reference if isinstance(service.image, RegistryImage) else service.image.tag


def host_config(service: ServicePlan, network_id: str) -> dict[str, Any]:
    return {
        # The only network: no default bridge, and no other deployment's.
        "NetworkMode": network_id,
        "PortBindings": port_bindings(service),
        "Mounts": [volume_mount(volume.name, volume.mount_path) for volume in service.volumes],
        "SecurityOpt": ["no-new-privileges"],
        "CapDrop": ["ALL"],
        "CapAdd": list(KEPT_CAPABILITIES),
        "PidsLimit": PIDS_LIMIT,
        "NanoCpus": round(service.cpus * 1_000_000_000),
        "Memory": service.memory_bytes,
        # Equal to Memory: none of it may be swapped, so a limit is a limit.
        "MemorySwap": service.memory_bytes,
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}},
        "RestartPolicy": restart_policy(service),
        # A real init reaps zombies and passes signals on to tools that were not written as process 1.
        "Init": True,
    }


def port_bindings(service: ServicePlan) -> dict[str, list[dict[str, str]]]:
    if service.host_port is None:
        return {}
    return {f"{service.port}/tcp": [{"HostIp": LOOPBACK, "HostPort": str(service.host_port)}]}


def volume_mount(name: str, mount_path: str) -> dict[str, str]:
    return {"Type": "volume", "Source": name, "Target": mount_path}


def restart_policy(service: ServicePlan) -> dict[str, Any]:
    if service.is_long_running:
        return {"Name": "on-failure", "MaximumRetryCount": MAX_RESTARTS}
    return {"Name": "no", "MaximumRetryCount": 0}


def spec_digest(config: dict[str, Any], service: ServicePlan) -> str:
    """Equal for equal containers; keyed with the App Key, so that it gives no short value away."""
    labels = {name: value for name, value in config["Labels"].items() if name not in _ATTEMPT_LABELS}
    canonical = json.dumps({**config, "Labels": labels}, sort_keys=True, ensure_ascii=True)
    key = service.env.get("VENDO_API_KEY", "").encode()
    return hmac.new(key, canonical.encode(), hashlib.sha256).hexdigest()
