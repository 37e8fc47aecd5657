"""Reading and writing the two logs; `LogFilter` is the query of deploy.md 3.7."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.orm import Session

from app.core.clock import iso
from app.deployments.log_models import ContainerLog, DeployLog
from app.deployments.queries import refuse_parameter

SOURCES = ("deploy", "container", "edge")
LEVELS = ("debug", "info", "warn", "error")
STREAMS = ("stdout", "stderr")
MAX_MESSAGE = 16_384


@dataclass(frozen=True)
class LogFilter:
    """What to show; `after` is the id to continue behind (before, when descending)."""

    source: str = "deploy"
    equal: Mapping[str, Any] = field(default_factory=dict)
    step_prefix: str = ""
    since: datetime | None = None
    until: datetime | None = None
    contains: str = ""
    limit: int = 200
    after: int | None = None
    is_descending: bool = False
    is_followed: bool = False


@dataclass(frozen=True)
class DeployLine:
    """One line of a workflow."""

    step: str
    message: str
    level: str = "info"
    progress: int | None = None
    duration_ms: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LogOwner:
    """Which run of which deployment a line belongs to."""

    deployment_id: UUID
    attempt: int
    workflow: str


def parse_log_query(args: Mapping[str, str]) -> LogFilter:
    """The filter of a query string; raises InvalidError INVALID_QUERY naming the parameter."""
    source = _one_of(args, "source", SOURCES, "deploy")
    equal: dict[str, Any] = {}
    step = ""
    if source == "deploy":
        step = args.get("step", "")
        equal = {name: args[name] for name in ("workflow",) if args.get(name)}
        if args.get("level"):
            equal["level"] = _one_of(args, "level", LEVELS, "")
        if args.get("attempt"):
            equal["attempt"] = _integer(args, "attempt", 1, 1_000_000, 1)
    elif source == "container":
        equal = {name: args[name] for name in ("service",) if args.get(name)}
        if args.get("stream"):
            equal["stream"] = _one_of(args, "stream", STREAMS, "")
    if step and not step.endswith("*"):
        equal["step"], step = step, ""
    return LogFilter(
        source=source,
        equal=equal,
        step_prefix=step.removesuffix("*"),
        since=_moment(args, "since"),
        until=_moment(args, "until"),
        contains=args.get("q", ""),
        limit=_integer(args, "limit", 1, 1000, 200),
        after=_integer(args, "cursor", 0, 2**62, -1) if args.get("cursor") else None,
        is_descending=_one_of(args, "order", ("asc", "desc"), "asc") == "desc",
        is_followed=_one_of(args, "follow", ("0", "1"), "0") == "1",
    )


def list_logs(session: Session, deployment_id: UUID, chosen: LogFilter) -> list[dict[str, Any]]:
    """Rows in the wire's shape, each with its `id`, in the order asked for."""
    if chosen.source == "edge":
        return []
    model = DeployLog if chosen.source == "deploy" else ContainerLog
    statement = _filtered(model, deployment_id, chosen)
    dump = _dump_deploy if chosen.source == "deploy" else _dump_container
    return [dump(row) for row in session.execute(statement).scalars()]


def append_deploy_logs(session: Session, owner: LogOwner, lines: Iterable[DeployLine]) -> None:
    """Add lines in order; the caller's transaction decides whether they stay."""
    values = [
        {
            "deployment_id": owner.deployment_id,
            "attempt": owner.attempt,
            "workflow": owner.workflow,
            "step": line.step,
            "level": line.level,
            "message": storable(line.message),
            "progress": line.progress,
            "duration_ms": line.duration_ms,
            "details": dict(line.details),
        }
        for line in lines
    ]
    if values:
        session.execute(insert(DeployLog).values(values))


def append_container_logs(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add container lines; one that is already there (same container, stream and nanosecond) stays single."""
    values = [{**row, "message": storable(row["message"])} for row in rows]
    if values:
        session.execute(pg_insert(ContainerLog).values(values).on_conflict_do_nothing())


def storable(text: str) -> str:
    """Text that PostgreSQL takes: no NUL, no lone surrogate, not endless."""
    clean = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return clean if len(clean) <= MAX_MESSAGE else clean[:MAX_MESSAGE] + " …"


def _filtered(model: Any, deployment_id: UUID, chosen: LogFilter) -> Select[Any]:
    moment = model.created_at if model is DeployLog else model.logged_at
    statement = select(model).where(model.deployment_id == deployment_id)
    for name, value in chosen.equal.items():
        statement = statement.where(getattr(model, name) == value)
    if chosen.step_prefix:
        statement = statement.where(model.step.startswith(chosen.step_prefix, autoescape=True))
    if chosen.since:
        statement = statement.where(moment >= chosen.since)
    if chosen.until:
        statement = statement.where(moment <= chosen.until)
    if chosen.contains:
        statement = statement.where(model.message.icontains(chosen.contains, autoescape=True))
    if chosen.after is not None:
        statement = statement.where(
            model.id < chosen.after if chosen.is_descending else model.id > chosen.after
        )
    order = model.id.desc() if chosen.is_descending else model.id.asc()
    return statement.order_by(order).limit(chosen.limit)


def _dump_deploy(row: DeployLog) -> dict[str, Any]:
    return {
        "id": row.id,
        "attempt": row.attempt,
        "workflow": row.workflow,
        "step": row.step,
        "level": row.level,
        "message": row.message,
        "progress": row.progress,
        "durationMs": row.duration_ms,
        "metadata": row.details,
        "createdAt": iso(row.created_at),
    }


def _dump_container(row: ContainerLog) -> dict[str, Any]:
    return {
        "id": row.id,
        "timestamp": iso(row.logged_at),
        "service": row.service,
        "containerId": row.container_id,
        "stream": row.stream,
        "message": row.message,
        "attempt": row.attempt,
    }


def _one_of(args: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    value = args.get(name) or default
    if value not in choices:
        raise refuse_parameter(name)
    return value


def _integer(args: Mapping[str, str], name: str, low: int, high: int, default: int) -> int:
    value = args.get(name)
    if not value:
        return default
    if not re.fullmatch(r"[0-9]{1,19}", value) or not low <= int(value) <= high:
        raise refuse_parameter(name)
    return int(value)


def _moment(args: Mapping[str, str], name: str) -> datetime | None:
    value = args.get(name)
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise refuse_parameter(name) from None
    if moment.tzinfo is None:
        raise refuse_parameter(name)
    return moment
