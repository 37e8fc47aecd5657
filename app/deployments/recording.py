"""Recording a finished phase: journal, log line and progress in one statement that carries the fence.

A deploy records fourteen times, so the round trips of doing it in four statements could be felt.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.deployments.logs import LogOwner, storable
from app.deployments.operations import Claim, FenceLostError

_RECORD = text("""
WITH held AS (
  SELECT id FROM operations
  WHERE id = :operation_id AND fence = :fence AND finished_at IS NULL FOR UPDATE
), phase AS (
  INSERT INTO operation_phases (operation_id, phase, fence, result)
  SELECT id, :phase, :fence, :result FROM held
), line AS (
  INSERT INTO deploy_logs (deployment_id, attempt, workflow, step, level, message, progress, duration_ms)
  SELECT :deployment_id, :attempt, :workflow, :phase, 'info', :message, :progress, :duration_ms FROM held
), shown AS (
  UPDATE deployments SET progress = :progress, current_step = :next_step, updated_at = clock_timestamp()
  FROM held WHERE deployments.id = :deployment_id
)
SELECT id FROM held
""").bindparams(bindparam("result", type_=JSONB))


@dataclass(frozen=True)
class FinishedPhase:
    """One phase of a run with what it came to; `result["message"]` is what the owner reads."""

    name: str
    result: dict[str, Any]
    progress: int
    duration_ms: int
    next_step: str | None


def record_phase(session: Session, claim: Claim, owner: LogOwner, phase: FinishedPhase) -> None:
    """Remember and show a finished phase; raises FenceLostError and writes nothing when the fence is lost."""
    values = {
        "operation_id": claim.operation_id,
        "fence": claim.fence,
        "phase": phase.name,
        "result": phase.result,
        "deployment_id": owner.deployment_id,
        "attempt": owner.attempt,
        "workflow": owner.workflow,
        "message": storable(str(phase.result["message"])),
        "progress": phase.progress,
        "duration_ms": phase.duration_ms,
        "next_step": phase.next_step,
    }
    if session.execute(_RECORD, values).first() is None:
        raise FenceLostError
