"""From POST /api/deploy to `running`, against the bare engine client doing the same work.

Both sides get the same image, the same container configuration (read from a container that Berth made), a
network of their own on an explicit /28, and one published port; they take turns, so that a busy machine
disturbs both. Removal is not measured.
"""

import secrets
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.bare import BareDeploy, copy_config
from bench.images import make_busybox, pack_context
from bench.install import Bench, running_install
from bench.report import Figure, Report, Table, median, milliseconds
from bench.tools import publish, store_artifact

ROUNDS = 12
GOAL = 1.25
ARTIFACT = "bench/built.tar.gz"


@dataclass
class Times:
    """Seconds of each round, and of each part by name."""

    berth: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    phases: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    parts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def measure() -> Report:
    """Median wall times and ratios for a prebuilt image and for a Dockerfile build."""
    with running_install() as bench:
        image = make_busybox(bench)
        publish(bench, "prebuilt", image=image)
        store_artifact(bench, ARTIFACT, _context(image))
        publish(bench, "built", buildArtifact=ARTIFACT)
        prebuilt = _measure_tool(bench, "prebuilt", image, is_built=False)
        built = _measure_tool(bench, "built", image, is_built=True)
    return _report({"prebuilt image": prebuilt, "Dockerfile build": built})


def _measure_tool(bench: Bench, slug: str, image: str, is_built: bool) -> Times:
    times = Times()
    with _deployed(bench, slug) as deployment:
        config = copy_config(bench.inspect(deployment["id"]))
    for _ in range(ROUNDS):
        bench.children.require_alive()
        if is_built:
            store_artifact(bench, ARTIFACT, _context(image))
        began = time.monotonic()
        with _deployed(bench, slug) as deployment:
            times.berth.append(time.monotonic() - began)
            _add_phases(times, bench.api.list_logs(deployment["id"]))
        context = pack_context(_context(image)) if is_built else None
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
    return {"Dockerfile": f"FROM {image}\nCOPY stamp /www/stamp\n", "stamp": secrets.token_hex(16)}


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
        "Berth: from sending the POST to the first answer that says running, asked every 5 ms over HTTP.",
        "bare: network, (build), create, start, first 200 of the health path asked every 5 ms.",
        "The tool is a static busybox that is up at once; a slower tool brings the ratio nearer to 1.",
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
