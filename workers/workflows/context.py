"""What a phase works with: the platform, the engine, the claim, and fenced ways to write."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from app.core.errors import BerthError
from app.core.platform import Platform
from app.deployments.logs import DeployLine, LogOwner, append_deploy_logs
from app.deployments.operations import Claim, list_phases
from app.deployments.rollout import Parties, begin_workflow, get_parties, list_secret_values
from deploy_runner.engines.base import Engine
from deploy_runner.errors import StepError
from deploy_runner.journal import PhaseResult
from deploy_runner.plan import DeploymentPlan, Labels
from workers.redaction import Redactor
from workers.runtime import Runtime
from workers.workflows.fenced_writes import FencedWrites
from workers.workflows.journal import DeploymentJournal

if TYPE_CHECKING:
    from workers.workflows.workflow import Workflow


@dataclass
class WorkflowContext:
    """One run of one operation by one worker."""

    platform: Platform
    engine: Engine
    claim: Claim
    owner: LogOwner
    labels: Labels
    writes: FencedWrites
    journal: DeploymentJournal
    results: dict[str, PhaseResult] = field(default_factory=dict)
    plan: DeploymentPlan | None = field(default=None, repr=False)
    network_ahead: "Future[str] | None" = field(default=None, repr=False)
    _redactor: Redactor | None = field(default=None, repr=False)
    _manifest: Mapping[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def open(cls, runtime: Runtime, claim: Claim, workflow: "Workflow") -> "WorkflowContext":
        """Show that the run has started, and read what it needs to know; raises LostLeaseError."""
        writes = FencedWrites(runtime.platform.database, claim)
        with ExitStack() as undo:
            # A run that does not come about gives its connection back at once.
            undo.callback(writes.close)
            with writes.open() as session:
                deployment = get_parties(session, claim.operation_id).deployment
                begin_workflow(deployment, workflow.status, workflow.first_step)
                known = list_phases(session, claim.operation_id)
            undo.pop_all()
        owner = LogOwner(deployment.id, deployment.attempt, workflow.name)
        labels = Labels(
            install_id=runtime.platform.settings.install_id,
            deployment_id=deployment.id.hex,
            operation_id=claim.operation_id.hex,
            fence=claim.fence,
            generation=deployment.generation,
            tenant_id=deployment.tenant_id.hex,
        )
        journal = DeploymentJournal(writes, claim, owner, workflow)
        journal.known = {name: row.result for name, row in known.items()}
        return cls(runtime.platform, runtime.engine, claim, owner, labels, writes, journal)

    def settle(self) -> None:
        """Wait for what runs in the background: nothing of a run may still be made once it has ended."""
        if self.network_ahead is not None:
            wait([self.network_ahead])

    def close(self) -> None:
        """Give back what the run held."""
        self.settle()
        self.writes.close()

    @property
    def failed_step(self) -> str:
        """The phase that is, or was last, under way."""
        return self.journal.current

    @contextmanager
    def fenced(self) -> Iterator[Session]:
        """A transaction that commits only while this worker holds the operation.

        Raises LostLeaseError otherwise; a refusal of a service becomes a StepError with its words.
        """
        try:
            with self.writes.open() as session:
                yield session
        except BerthError as error:
            raise StepError(error.message) from error

    def parties(self, session: Session) -> Parties:
        return get_parties(session, self.claim.operation_id)

    def manifest(self) -> Mapping[str, Any]:
        """What is being deployed; the first phase pins it, so it is read once."""
        if self._manifest is None:
            with self.fenced() as session:
                self._manifest = self.parties(session).deployment.manifest or {}
        return self._manifest

    def log(
        self, step: str, message: str, level: str = "info", details: Mapping[str, Any] | None = None
    ) -> None:
        """Add one line to the deployment's log, without its secrets."""
        self.log_all([DeployLine(step, message, level, details=details or {})])

    def log_all(self, lines: list[DeployLine]) -> None:
        """Add lines in one transaction, in order."""
        cleaned = [self._cleaned(line) for line in lines]
        with self.fenced() as session:
            append_deploy_logs(session, self.owner, cleaned)

    def expect_new_secrets(self) -> None:
        """A phase has made secrets: what is to be blanked is read again when something is logged."""
        self._redactor = None

    def clean(self, text: str) -> str:
        """The text without any secret of the deployment."""
        if self._redactor is None:
            with self.fenced() as session:
                secrets = list_secret_values(session, self.platform, self.claim.deployment_id)
            self._redactor = Redactor(secrets)
        return self._redactor.clean(text)

    def _cleaned(self, line: DeployLine) -> DeployLine:
        return DeployLine(
            line.step, self.clean(line.message), line.level, line.progress, line.duration_ms, line.details
        )
