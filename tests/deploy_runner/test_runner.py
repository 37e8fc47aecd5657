from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy_runner.journal import LostLeaseError, PhaseResult
from deploy_runner.runner import Phase, run_phases


@dataclass
class Context:
    results: dict[str, PhaseResult] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)


class InMemoryJournal:
    def __init__(self, lost_after: int | None = None) -> None:
        self.recorded: dict[str, PhaseResult] = {}
        self._lost_after = lost_after

    def find(self, phase: str) -> PhaseResult | None:
        return self.recorded.get(phase)

    def record(self, phase: str, result: PhaseResult) -> None:
        if len(self.recorded) == self._lost_after:
            raise LostLeaseError
        self.recorded[phase] = result


class RecordingObserver:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def started(self, phase: Phase[Any]) -> None:
        self.seen.append(f"{phase.name} started")

    def finished(self, phase: Phase[Any], result: PhaseResult, duration_ms: int) -> None:
        assert duration_ms >= 0
        self.seen.append(f"{phase.name} finished with {result}")


def make_phase(name: str) -> Phase[Context]:
    def do(context: Context) -> PhaseResult:
        context.done.append(name)
        return {"after": list(context.results)}

    return Phase(name, do, progress=10)


PHASES = [make_phase("one"), make_phase("two"), make_phase("three")]


def test_phases_run_in_order_and_see_earlier_results() -> None:
    context, journal, observer = Context(), InMemoryJournal(), RecordingObserver()
    run_phases(PHASES, context, journal, observer)
    assert context.results["three"] == {"after": ["one", "two"]}
    assert observer.seen[:2] == ["one started", "one finished with {'after': []}"]


def test_a_recorded_phase_is_not_done_again() -> None:
    context, journal, observer = Context(), InMemoryJournal(), RecordingObserver()
    journal.recorded["one"] = {"kept": True}
    run_phases(PHASES, context, journal, observer)
    assert context.done == ["two", "three"]
    assert context.results["one"] == {"kept": True}
    assert observer.seen[0] == "two started"


def test_a_lost_lease_stops_the_run_at_the_phase_boundary() -> None:
    context, journal = Context(), InMemoryJournal(lost_after=1)
    with pytest.raises(LostLeaseError):
        run_phases(PHASES, context, journal, RecordingObserver())
    assert context.done == ["one", "two"]
    assert list(journal.recorded) == ["one"]
