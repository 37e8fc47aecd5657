"""The journal of a run, in the database: a phase, its log line and the progress land in one fenced write."""

import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from app.deployments.logs import DeployLine, LogOwner, append_deploy_logs
from app.deployments.operations import Claim, record_phase
from app.deployments.rollout import show_progress
from deploy_runner.journal import PhaseResult
from deploy_runner.runner import Phase
from workers.workflows.fenced_writes import FencedWrites

if TYPE_CHECKING:
    from workers.workflows.workflow import Workflow


class DeploymentJournal:
    """Journal and observer at once, so that "recorded" and "shown" cannot differ."""

    def __init__(self, writes: FencedWrites, claim: Claim, owner: LogOwner, workflow: "Workflow") -> None:
        self._writes = writes
        self._claim = claim
        self._owner = owner
        self._workflow = workflow
        self._began = time.monotonic()
        self.known: dict[str, PhaseResult] = {}
        self.current = workflow.first_step

    def find(self, phase: str) -> PhaseResult | None:
        return self.known.get(phase)

    def record(self, phase: str, result: PhaseResult) -> None:
        elapsed = round((time.monotonic() - self._began) * 1000)
        progress = self._workflow.progress_of(phase)
        line = DeployLine(phase, str(result["message"]), progress=progress, duration_ms=elapsed)
        with self._writes.open() as session:
            record_phase(session, self._claim, phase, result)
            append_deploy_logs(session, self._owner, [line])
            show_progress(session, self._owner.deployment_id, progress, self._workflow.next_step(phase))

    def join(self) -> AbstractContextManager[None]:
        return self._writes.join()

    def started(self, phase: Phase[Any]) -> None:
        self.current = phase.name
        self._began = time.monotonic()

    def finished(self, phase: Phase[Any], result: PhaseResult, duration_ms: int) -> None:
        """Nothing to add: `record` has shown the phase."""
