"""Load from `wrk`: requests per second and latencies of one address."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.report import median
from stack.account import write_private
from stack.errors import StackError

# Headers come from a private file: arguments are everybody's to read.
_SCRIPT = """\
{headers}
done = function(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format('RESULT {{"requests": %d, "micros": %d, "p50": %f, "p99": %f, "failed": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed))
end
"""


@dataclass(frozen=True)
class Target:
    """One address under load."""

    name: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Load:
    """What one run showed."""

    per_second: float
    p50_ms: float
    p99_ms: float


def alternate(targets: list[Target], connections: int, rounds: int, folder: Path) -> dict[str, Load]:
    """Medians by name; the targets take turns, so that a busy machine disturbs all of them."""
    runs: dict[str, list[Load]] = {target.name: [] for target in targets}
    for _ in range(rounds):
        for target in targets:
            runs[target.name].append(apply_load(target, connections, folder))
    return {
        name: Load(
            *(median([getattr(run, item) for run in done]) for item in ("per_second", "p50_ms", "p99_ms"))
        )
        for name, done in runs.items()
    }


def apply_load(target: Target, connections: int, folder: Path, seconds: int = 3) -> Load:
    """One run of `wrk`; StackError when it is missing or an answer was an error."""
    if shutil.which("wrk") is None:
        raise StackError("this bench needs wrk: install the Debian package wrk")
    script = folder / "wrk.lua"
    headers = (
        f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in target.headers.items()
    )
    write_private(script, _SCRIPT.format(headers="\n".join(headers)))
    arguments = ["--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    result = subprocess.run(
        ["wrk", *arguments, "--script", str(script), target.url], capture_output=True, text=True, check=True
    )
    line = next(line for line in result.stdout.splitlines() if line.startswith("RESULT "))
    told = json.loads(line.removeprefix("RESULT "))
    if told["failed"] or not told["requests"]:
        raise StackError(f"{target.name}: {told['failed']} of {told['requests']} requests failed under load")
    return Load(told["requests"] / told["micros"] * 1e6, told["p50"] / 1000, told["p99"] / 1000)
