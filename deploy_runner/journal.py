"""Where a run remembers which phases are done. The worker brings the one backed by the database."""

from contextlib import AbstractContextManager
from typing import Any, Protocol

PhaseResult = dict[str, Any]


class LostLeaseError(Exception):
    """Another worker owns the operation now; stop at once and write nothing."""


class Journal(Protocol):
    def find(self, phase: str) -> PhaseResult | None:
        """Return the recorded result of a finished phase."""

    def record(self, phase: str, result: PhaseResult) -> None:
        """Remember a finished phase; raises LostLeaseError when the fence no longer holds."""

    def join(self) -> AbstractContextManager[None]:
        """Make one write of what a phase writes in the block and its record: both are kept, or neither."""
