"""A workflow: named phases in order, how it ends well, how it ends badly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.deployments.models import DeploymentStatus
from deploy_runner.errors import StepError
from deploy_runner.runner import Phase, run_phases
from workers.workflows.context import WorkflowContext

DeployPhase = Phase[WorkflowContext]


@dataclass(frozen=True)
class Workflow:
    """`end_well` and `end_badly` write the last rows under the fence and finish the operation."""

    name: str
    status: DeploymentStatus
    phases: Sequence[DeployPhase]
    end_well: Callable[[WorkflowContext], None]
    end_badly: Callable[[WorkflowContext, StepError], None]

    @property
    def first_step(self) -> str:
        return self.phases[0].name

    def next_step(self, phase: str) -> str | None:
        names = [item.name for item in self.phases]
        position = names.index(phase) + 1
        return names[position] if position < len(names) else None

    def progress_of(self, phase: str) -> int:
        return next(item.progress for item in self.phases if item.name == phase)

    def run(self, context: WorkflowContext) -> None:
        """Do every phase that is not recorded yet, then end well; raises StepError, LostLeaseError."""
        run_phases(self.phases, context, context.journal, context.journal)
        self.end_well(context)
