"""The journal of a run, in the database: a phase, its log line and the progress land in one fenced write."""

import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from app.deployments.logs import LogOwner
from app.deployments.operations import Claim
from app.deployments.recording import FinishedPhase, record_phase
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
        finished = FinishedPhase(
            name=phase,
            result=result,
            progress=self._workflow.progress_of(phase),
            duration_ms=elapsed,
            next_step=self._workflow.next_step(phase),
        )
        with self._writes.open_unheld() as session:
            record_phase(session, self._claim, self._owner, finished)

    def join(self) -> AbstractContextManager[None]:
        return self._writes.join()

    def started(self, phase: Phase[Any]) -> None:
        self.current = phase.name
        self._began = time.monotonic()

    def finished(self, phase: Phase[Any], result: PhaseResult, duration_ms: int) -> None:
        """Nothing to add: `record` has shown the phase."""
