"""From POST /api/deploy to `running`, against the bare engine client doing the same work.

Both sides get the same image, the same container configuration (read from a container that Berth made), a
network of their own on an explicit /28, and one published port; they take turns, so that a busy machine
disturbs both. Removal is not measured.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bench.bare import BareDeploy, copy_config
from bench.images import make_busybox, make_python, pack_context
from bench.install import Bench, running_install
from bench.report import Figure, Report, Table, median, milliseconds
from bench.tools import publish, store_artifact

ROUNDS = 12
GOAL = 1.25


@dataclass
class Times:
    """Seconds of each round, and of each part by name."""

    berth: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    phases: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    parts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def measure() -> Report:
    """Median wall times and ratios, for a prebuilt image and for a Dockerfile build of two tools."""
    measured: dict[str, Times] = {}
    with running_install() as bench:
        for kind, image in (("Python tool", make_python(bench)), ("2 MB static tool", make_busybox(bench))):
            slug = f"tool-{kind.split()[0].lower()}"
            artifact = f"bench/{slug}.tar.gz"
            publish(bench, f"{slug}-image", image=image)
            store_artifact(bench, artifact, _context(image))
            publish(bench, f"{slug}-built", buildArtifact=artifact)
            measured[f"{kind}, image"] = _measure_tool(bench, f"{slug}-image", image)
            measured[f"{kind}, build"] = _measure_tool(bench, f"{slug}-built", image, artifact)
    return _report(measured)


def _measure_tool(bench: Bench, slug: str, image: str, artifact: str | None = None) -> Times:
    times = Times()
    with _deployed(bench, slug) as deployment:
        config = copy_config(bench.inspect(deployment["id"]))
    for _ in range(ROUNDS):
        bench.children.require_alive()
        if artifact:
            store_artifact(bench, artifact, _context(image))
        began = datetime.now(UTC)
        with _deployed(bench, slug) as deployment:
            # The worker's clock is this machine's. Asking often would take the time from who is measured.
            ready_at = datetime.fromisoformat(deployment["readyAt"])
            times.berth.append((ready_at - began).total_seconds())
            _add_phases(times, bench.api.list_logs(deployment["id"]))
        context = pack_context(_context(image)) if artifact else None
        with BareDeploy(bench.engine, bench.id, config) as bare:
            times.bare.append(bare.run(context))
            for name, seconds in bare.parts.items():
                times.parts[name].append(seconds)
    return times


@contextmanager
def _deployed(bench: Bench, slug: str) -> Iterator[dict[str, Any]]:
    deployment_id = bench.api.deploy(bench.tenant_slug, slug)
    yield bench.api.await_running(deployment_id)
    bench.api.destroy(deployment_id)


def _context(image: str) -> dict[str, str]:
    """A context whose one layer is new each time."""
    return {"Dockerfile": f"FROM {image}\nCOPY stamp /stamp\n", "stamp": secrets.token_hex(16)}


def _add_phases(times: Times, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if row["durationMs"] is not None:
            times.phases[row["step"]].append(row["durationMs"] / 1000)


def _report(measured: dict[str, Times]) -> Report:
    summary = Table(
        (f"median of {ROUNDS} rounds", "Berth ms", "bare ms", "ratio", "added ms"),
        [_summary_row(name, times) for name, times in measured.items()],
    )
    figures = [
        Figure(f"{name}, ratio to the bare engine", median(times.berth) / median(times.bare), "", GOAL)
        for name, times in measured.items()
    ]
    notes = (
        "Berth: from sending the POST to `readyAt`, when the row says running; asked every 50 ms.",
        "bare: network, (build), create, start, first 200 of the health path asked every 5 ms.",
        "The Python tool is a web server of the standard library; the static one is up at once.",
    )
    return Report([summary, _phase_table(measured), _part_table(measured)], figures, notes)


def _summary_row(name: str, times: Times) -> list[str]:
    berth, bare = median(times.berth), median(times.bare)
    return [name, milliseconds(berth), milliseconds(bare), f"{berth / bare:.2f}", milliseconds(berth - bare)]


def _phase_table(measured: dict[str, Times]) -> Table:
    names = list(next(iter(measured.values())).phases)
    rows = [[name, *(_part(times.phases, name) for times in measured.values())] for name in names]
    sums = [
        milliseconds(sum(median(values) for values in times.phases.values())) for times in measured.values()
    ]
    return Table(("Berth's phases, ms", *measured), [*rows, ["sum of the phases", *sums]])


def _part_table(measured: dict[str, Times]) -> Table:
    names = list(dict.fromkeys(name for times in measured.values() for name in times.parts))
    rows = [[name, *(_part(times.parts, name) for times in measured.values())] for name in names]
    return Table(("bare engine, ms", *measured), rows)


def _part(parts: dict[str, list[float]], name: str) -> str:
    return milliseconds(median(parts[name])) if parts[name] else "-"
