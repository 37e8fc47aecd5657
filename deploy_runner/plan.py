"""A deployment as plain values: what should exist on an engine, decided before anything is touched."""

import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

_SHELL_SYNTAX = re.compile(r"[|&;<>()$`\n]")
_MEBIBYTE = 1024 * 1024


class Role(StrEnum):
    WEB = "web"
    WORKER = "worker"
    CRON = "cron"
    INIT = "init"


LONG_RUNNING_ROLES = frozenset({Role.WEB, Role.WORKER})


@dataclass(frozen=True)
class Labels:
    """Who owns an engine object and which attempt made it."""

    install_id: str
    deployment_id: str
    operation_id: str
    fence: int
    generation: int
    tenant_id: str

    def as_dict(self, **extra: str) -> dict[str, str]:
        named = {
            "install": self.install_id,
            "deployment": self.deployment_id,
            "operation": self.operation_id,
            "fence": str(self.fence),
            "generation": str(self.generation),
            "tenant": self.tenant_id,
            **extra,
        }
        return {f"berth.{name}": value for name, value in named.items()}

    def for_image(self) -> dict[str, str]:
        """Only whose it is: deployments share it, and the builder takes a step of its own for every label."""
        return {"berth.install": self.install_id}


@dataclass(frozen=True)
class VolumePlan:
    name: str
    mount_path: str
    size_gb: int


@dataclass(frozen=True)
class NetworkPlan:
    name: str
    subnet: str


@dataclass(frozen=True)
class RegistryImage:
    """An image named by reference. `refresh` asks the registry again although a copy is present."""

    reference: str
    refresh: bool = False


@dataclass(frozen=True)
class ArtifactBuild:
    """A gzip tar: its Dockerfile is built, or its files are served as a static site."""

    archive: Path
    tag: str


@dataclass(frozen=True)
class GitBuild:
    repo: str
    ref: str | None
    dockerfile: str
    context: str
    install_command: str | None
    build_command: str | None
    output_dir: str | None
    node_version: str
    tag: str


ImageSource = RegistryImage | ArtifactBuild | GitBuild


@dataclass(frozen=True)
class ReadinessBudget:
    max_retries: int
    interval_seconds: float
    total_seconds: float
    expected_boot_seconds: int | None


@dataclass(frozen=True)
class ServicePlan:
    name: str
    role: str
    image: ImageSource
    env: Mapping[str, str] = field(repr=False)
    port: int
    command: tuple[str, ...] | None
    volumes: tuple[VolumePlan, ...]
    cpus: float
    memory_mb: int
    health_path: str | None
    run_limit_seconds: int
    budget: ReadinessBudget
    host_port: int | None

    @property
    def memory_bytes(self) -> int:
        return self.memory_mb * _MEBIBYTE

    @property
    def is_long_running(self) -> bool:
        return self.role in LONG_RUNNING_ROLES


@dataclass(frozen=True)
class DeploymentPlan:
    """Services stand in start order (see `start_order`)."""

    labels: Labels
    network: NetworkPlan
    services: tuple[ServicePlan, ...]

    def container_name(self, service_name: str) -> str:
        return container_name(self.labels.deployment_id, service_name, self.labels.generation)


def network_name(deployment_id: str) -> str:
    return f"berth-{deployment_id}"


def volume_name(deployment_id: str, service: str, mount_path: str) -> str:
    digest = hashlib.sha256(mount_path.encode()).hexdigest()[:8]
    return f"berth-{deployment_id}-{service}-{digest}"


def container_name(deployment_id: str, service: str, generation: int) -> str:
    return f"berth-{deployment_id}-{service}-g{generation}"


def parse_container_name(name: str) -> tuple[str, str] | None:
    """The deployment id and service of a container's name; None when the name is not ours."""
    match = re.fullmatch(r"/?berth-([0-9a-f]{32})-([a-z][a-z0-9-]*)-g\d+", name)
    return (match[1], match[2]) if match else None


def start_order(
    service_names: Sequence[str], roles: Mapping[str, str], service_start_order: Sequence[str]
) -> list[str]:
    """Unlisted init services, then the listed ones, then the rest in manifest order (manifest.md 3)."""
    unlisted = [name for name in service_names if name not in service_start_order]
    init = [name for name in unlisted if roles[name] == Role.INIT]
    rest = [name for name in unlisted if roles[name] != Role.INIT]
    return [*init, *service_start_order, *rest]


def split_command(start_command: str) -> tuple[str, ...]:
    """A start command as an argument list; only shell syntax brings a shell in."""
    if _SHELL_SYNTAX.search(start_command):
        return ("sh", "-c", start_command)
    try:
        return tuple(shlex.split(start_command))
    except ValueError:
        # An unbalanced quote: the shell in the container reports it in the tool's own log.
        return ("sh", "-c", start_command)
