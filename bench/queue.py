"""From the commit of an operation's row to its claim: with the doorbell, and with its message lost.

The rows are written as a request writes them; the operation is the teardown of a deployment that has nothing
in the engine. Commit and claim are read from the same machine's clock.
"""

import time
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from app import models as _every_table  # noqa: F401  foreign keys between slices resolve once all are known
from app.core.config import load_settings
from app.core.platform import Platform, create_platform
from app.core.queue import RUN_OPERATION
from app.deployments.models import Deployment
from app.deployments.operation_models import Operation, OperationKind
from app.deployments.operations import enqueue_operation
from bench.install import Bench, as_label, running_install
from bench.report import Figure, Report, Table, median, milliseconds, p99
from bench.tools import publish, store_artifact
from stack.errors import StackError

RUNG = 300
LOST = 24
LOST_SPACING_SECONDS = 0.7
ARTIFACT = "bench/absent.tar.gz"
_CLAIM_SECONDS = 60.0


def measure() -> Report:
    """p50 and p99 of both ways."""
    with running_install() as bench:
        platform = create_platform(load_settings(), "berth-bench")
        deployments = [_make_deployment(bench) for _ in range(LOST)]
        rung = _measure_rung(bench, platform, deployments[0])
        lost = _measure_lost(bench, platform, deployments)
        sweep_seconds = platform.settings.sweep_seconds
        platform.database.engine.dispose()
    rows = [
        [
            name,
            str(len(times)),
            milliseconds(median(times)),
            milliseconds(p99(times)),
            milliseconds(max(times)),
        ]
        for name, times in (("message delivered", rung), ("message lost, sweeper only", lost))
    ]
    figures = (
        Figure("commit to claim, p50", median(rung) * 1000, "ms"),
        Figure("commit to claim, p99", p99(rung) * 1000, "ms"),
        Figure("commit to claim with the message lost, p50", median(lost), "s"),
        Figure("commit to claim with the message lost, longest", max(lost), "s"),
    )
    note = f"The sweeper looks every {sweep_seconds} s and rings for what was not rung in the last 10 s."
    return Report([Table(("", "operations", "p50 ms", "p99 ms", "max ms"), rows)], figures, [note])


def _make_deployment(bench: Bench) -> UUID:
    """A deployment that failed before anything was made in the engine."""
    store_artifact(bench, ARTIFACT, {"Dockerfile": "FROM scratch\n"})
    if not bench.api.call("GET", "/api/tools/deployable")["tools"]:
        publish(bench, "absent", buildArtifact=ARTIFACT)
    (bench.home.artifacts / ARTIFACT).unlink()
    deployment = bench.api.await_end(bench.api.deploy(bench.tenant_slug, "absent"))
    return UUID(as_label(deployment["id"]))


def _measure_rung(bench: Bench, platform: Platform, deployment_id: UUID) -> list[float]:
    times = []
    for _ in range(RUNG):
        bench.children.require_alive()
        operation_id, committed_at = _commit(platform, deployment_id)
        platform.queue.ring(RUN_OPERATION, str(operation_id))
        times.append((_await_end(platform, operation_id) - committed_at).total_seconds())
    return times


def _measure_lost(bench: Bench, platform: Platform, deployments: list[UUID]) -> list[float]:
    """Commit them over more than one round of the sweeper, so that every moment of a round is met."""
    committed = []
    for deployment_id in deployments:
        bench.children.rest(LOST_SPACING_SECONDS)
        committed.append(_commit(platform, deployment_id))
    return [(_await_end(platform, operation_id) - at).total_seconds() for operation_id, at in committed]


def _commit(platform: Platform, deployment_id: UUID) -> tuple[UUID, datetime]:
    with platform.database.transaction() as session:
        deployment = session.get_one(Deployment, deployment_id)
        operation_id = enqueue_operation(session, deployment, OperationKind.TEARDOWN).id
    return operation_id, datetime.now(UTC)


def _await_end(platform: Platform, operation_id: UUID) -> datetime:
    """When the operation was claimed, told after it has ended."""
    deadline = time.monotonic() + _CLAIM_SECONDS
    statement = select(Operation.started_at, Operation.finished_at).where(Operation.id == operation_id)
    while time.monotonic() < deadline:
        with platform.database.transaction() as session:
            started_at, finished_at = session.execute(statement).one()
        if started_at is not None and finished_at is not None:
            claimed_at: datetime = started_at
            return claimed_at
        time.sleep(0.01)
    raise StackError(f"operation {operation_id} was not done in {_CLAIM_SECONDS:g} s")
