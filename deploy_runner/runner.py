"""Walks phases in order; a recorded phase is never done again."""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from deploy_runner.journal import Journal, PhaseResult


class PhaseContext(Protocol):
    @property
    def results(self) -> dict[str, PhaseResult]: ...


C = TypeVar("C", bound=PhaseContext)


@dataclass(frozen=True)
class Phase(Generic[C]):
    name: str
    do: Callable[[C], PhaseResult]
    progress: int
    # It changes nothing but rows, so that its effect and its record can be one write.
    is_one_write: bool = False


class PhaseObserver(Protocol[C]):
    def started(self, phase: Phase[C]) -> None: ...

    def finished(self, phase: Phase[C], result: PhaseResult, duration_ms: int) -> None: ...


def run_phases(phases: Sequence[Phase[C]], context: C, journal: Journal, observer: PhaseObserver[C]) -> None:
    """Do each phase that has no recorded result; earlier results stand in `context.results` by phase name."""
    for phase in phases:
        recorded = journal.find(phase.name)
        if recorded is None:
            recorded = _do_phase(phase, context, journal, observer)
        context.results[phase.name] = recorded


def _do_phase(phase: Phase[C], context: C, journal: Journal, observer: PhaseObserver[C]) -> PhaseResult:
    observer.started(phase)
    began = time.monotonic()
    with journal.join() if phase.is_one_write else nullcontext():
        result = phase.do(context)
        journal.record(phase.name, result)
    observer.finished(phase, result, round((time.monotonic() - began) * 1000))
    return result
