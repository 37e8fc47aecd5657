"""A tool through Berth's app proxy, against the port that its container publishes."""

import http.client
import time

from bench.images import make_python
from bench.install import Bench, running_install
from bench.load import Load, Target, alternate
from bench.report import Figure, Report, Table, median
from bench.tools import publish
from stack.errors import StackError

ROUNDS = 5
CONNECTIONS = (1, 16)
DIRECT, PROXIED = "direct", "through Berth"
STREAM_BYTES = 1600 * 65_536


def measure() -> Report:
    """Latency at one connection, throughput at sixteen, and a stream of 100 MB."""
    with running_install() as bench:
        publish(bench, "served", image=make_python(bench))
        deployment = bench.api.await_running(bench.api.deploy(bench.tenant_slug, "served"))
        targets = _targets(bench, deployment)
        seen = {count: alternate(targets, count, ROUNDS, bench.home.run) for count in CONNECTIONS}
        streams = _measure_streams(targets)
    one, many = (seen[count] for count in CONNECTIONS)
    figures = (
        Figure("added p50 at 1 connection", one[PROXIED].p50_ms - one[DIRECT].p50_ms, "ms"),
        Figure("throughput at 16, share of direct", many[PROXIED].per_second / many[DIRECT].per_second, ""),
        Figure("100 MB stream, share of direct speed", streams[DIRECT] / streams[PROXIED], ""),
        Figure("100 MB stream through Berth", STREAM_BYTES / 1e6 / streams[PROXIED], "MB/s"),
    )
    tables = [*(_table(count, loads) for count, loads in seen.items()), _stream_table(streams)]
    note = (
        f"wrk, one thread, medians of {ROUNDS} runs of 3 s taking turns; tool, Berth and wrk share the cores."
    )
    return Report(tables, figures, [note])


def _targets(bench: Bench, deployment: dict[str, str]) -> list[Target]:
    port = bench.find_published_port(deployment["id"])
    proxied = f"http://127.0.0.1:{bench.port}/d/{deployment['subdomain']}/"
    return [
        Target(DIRECT, f"http://127.0.0.1:{port}/", {}),
        Target(PROXIED, proxied, {"Host": f"localhost:{bench.port}"}),
    ]


def _measure_streams(targets: list[Target]) -> dict[str, float]:
    seconds: dict[str, list[float]] = {target.name: [] for target in targets}
    for _ in range(ROUNDS):
        for target in targets:
            seconds[target.name].append(_stream(target))
    return {name: median(times) for name, times in seconds.items()}


def _stream(target: Target) -> float:
    host, _, path = target.url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=60)
    began, received = time.monotonic(), 0
    connection.request("GET", f"/{path}stream", headers=dict(target.headers))
    answer = connection.getresponse()
    while chunk := answer.read1(65_536):
        received += len(chunk)
    connection.close()
    if received != STREAM_BYTES:
        raise StackError(f"{target.name}: the stream had {received} bytes, not {STREAM_BYTES}")
    return time.monotonic() - began


def _table(count: int, loads: dict[str, Load]) -> Table:
    rows = [
        [n, f"{load.per_second:.0f}", f"{load.p50_ms:.2f}", f"{load.p99_ms:.2f}"] for n, load in loads.items()
    ]
    return Table((f"{count} connection{'s' * (count > 1)}", "req/s", "p50 ms", "p99 ms"), rows)


def _stream_table(streams: dict[str, float]) -> Table:
    rows = [
        [name, f"{seconds:.2f}", f"{STREAM_BYTES / 1e6 / seconds:.0f}"] for name, seconds in streams.items()
    ]
    return Table(("100 MB stream", "s", "MB/s"), rows)
