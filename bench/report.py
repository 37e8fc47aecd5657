"""What a bench hands back, and how it is shown."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

_PACKAGES = ("flask", "gunicorn", "gevent", "celery", "sqlalchemy", "docker")


@dataclass(frozen=True)
class Figure:
    """One number worth quoting, and the goal that it is held against where there is one."""

    name: str
    value: float
    unit: str
    goal: float | None = None


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading."""

    heading: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Report:
    """The result of one bench; `notes` say what was done and what disturbed it."""

    tables: Sequence[Table]
    figures: Sequence[Figure]
    notes: Sequence[str] = ()


def machine_facts() -> list[str]:
    """The machine and the versions that a figure belongs to."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {memory:.0f} GB, "
        f"{platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}",
        f"Python {platform.python_version()}, {packages}",
    ]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def p99(values: Sequence[float]) -> float:
    """The smallest value that 99 of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[-(-99 * len(ordered) // 100) - 1]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"


def print_report(name: str, report: Report) -> None:
    """Tables, figures with their goals, notes."""
    print(f"\n== {name} (load now {os.getloadavg()[0]:.1f})")
    for table in report.tables:
        _print_table(table)
    for figure in report.figures:
        goal = "" if figure.goal is None else f"  (goal: at most {figure.goal:g})"
        print(f"  {figure.name}: {figure.value:.2f} {figure.unit}{goal}".rstrip())
    for note in report.notes:
        print(f"  - {note}")


def print_json(name: str, report: Report) -> None:
    """One line with the figures, for a machine."""
    figures = {figure.name: {"value": figure.value, "unit": figure.unit} for figure in report.figures}
    print(json.dumps({"bench": name, "machine": machine_facts(), "figures": figures}), flush=True)


def _print_table(table: Table) -> None:
    rows = [table.heading, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.heading))]
    for row in rows:
        first, *rest = (
            cell.ljust(width) if not i else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join([first, *rest]).rstrip())
    print()
