"""Reads the engine's inspect answer as a ContainerState."""

from datetime import UTC, datetime
from typing import Any

from deploy_runner.engines.base import ContainerState, ContainerStatus

_STATUSES = {
    "created": ContainerStatus.CREATED,
    "running": ContainerStatus.RUNNING,
    "paused": ContainerStatus.RUNNING,
    "restarting": ContainerStatus.RESTARTING,
}
_ENDED = (ContainerStatus.EXITED, ContainerStatus.RESTARTING)
_NEVER = "0001-"


def container_state(raw: dict[str, Any]) -> ContainerState:
    labels = raw["Config"]["Labels"] or {}
    status = _STATUSES.get(raw["State"]["Status"], ContainerStatus.EXITED)
    return ContainerState(
        id=raw["Id"],
        name=raw["Name"].lstrip("/"),
        service=labels.get("berth.service", ""),
        state=status,
        exit_code=raw["State"]["ExitCode"] if status in _ENDED else None,
        image=labels.get("berth.image", raw["Config"]["Image"]),
        image_id=raw["Image"],
        restarts=raw["RestartCount"],
        started_at=parse_engine_time(raw["State"]["StartedAt"]),
        host_port=_host_port(raw["HostConfig"]["PortBindings"]),
        exhausted=status == ContainerStatus.EXITED and _used_up_restarts(raw),
    )


def missing_state(container_id: str, labels: dict[str, str]) -> ContainerState:
    """What an event tells of a container that is gone by the time one looks."""
    return ContainerState(
        id=container_id,
        name=labels.get("name", ""),
        service=labels.get("berth.service", ""),
        state=ContainerStatus.MISSING,
        exit_code=int(labels["exitCode"]) if labels.get("exitCode", "").isdigit() else None,
        image=labels.get("berth.image", ""),
        image_id="",
        restarts=0,
        started_at=None,
        host_port=None,
        exhausted=False,
    )


def parse_engine_time(text: str) -> datetime | None:
    """The engine writes nanoseconds, and the year 1 for never."""
    if text.startswith(_NEVER):
        return None
    seconds, _, fraction = text.rstrip("Z").partition(".")
    micros = int((fraction + "000000")[:6])
    return datetime.fromisoformat(seconds).replace(microsecond=micros, tzinfo=UTC)


def _host_port(bindings: dict[str, list[dict[str, str]]] | None) -> int | None:
    ports = [entry["HostPort"] for entries in (bindings or {}).values() for entry in entries or []]
    return int(ports[0]) if ports and ports[0] else None


def _used_up_restarts(raw: dict[str, Any]) -> bool:
    policy = raw["HostConfig"]["RestartPolicy"]
    return bool(policy["Name"] == "on-failure" and raw["RestartCount"] >= policy["MaximumRetryCount"])
