"""Idle memory of the whole stack as proportional set size: memory that processes share is counted once."""

from pathlib import Path

from bench.images import make_busybox
from bench.install import running_install
from bench.report import Figure, Report, Table
from bench.tools import publish

IDLE_SECONDS = 10.0
GOAL_MB = 350.0
ROLES = ("web", "worker", "beat", "postgres", "valkey")


def measure() -> Report:
    """Megabytes per role, ten seconds after one deploy ran."""
    with running_install() as bench:
        publish(bench, "idle", image=make_busybox(bench))
        bench.api.await_running(bench.api.deploy(bench.tenant_slug, "idle"))
        bench.children.rest(IDLE_SECONDS)
        seen = {role: _list_family(pid) for role, pid in bench.children.pids().items() if role in ROLES}
        used = {role: sum(map(_proportional_mb, family)) for role, family in seen.items()}
    rows = [[role, str(len(seen[role])), f"{used[role]:.1f}"] for role in ROLES]
    total = sum(used.values())
    table = Table(
        ("role", "processes", "MB"), [*rows, ["total", str(sum(map(len, seen.values()))), f"{total:.1f}"]]
    )
    note = f"PSS of smaps_rollup, {IDLE_SECONDS:g} s after a deploy reached running; its tool is not counted."
    return Report([table], [Figure("idle memory of the stack", total, "MB", GOAL_MB)], [note])


def _list_family(pid: int) -> list[int]:
    """A process and everything below it."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    below = [int(child) for listed in children for child in listed.read_text().split()]
    return [pid, *(member for child in below for member in _list_family(child))]


def _proportional_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
