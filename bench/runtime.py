"""What a deployed tool asks with its App Key, against a hello-world route on the same server settings."""

from bench.images import make_busybox
from bench.install import Bench, running_install
from bench.load import Load, Target, alternate
from bench.report import Figure, Report, Table
from bench.tools import publish

ROUNDS = 5
CONNECTIONS = (1, 16)
HELLO = "hello-world"
ROUTES = {"connections": "/api/deployments/me/connections", "balance": "/api/billing/balance"}


def measure() -> Report:
    """Requests per second, p50 and p99 at one and at sixteen connections."""
    with running_install() as bench:
        publish(bench, "caller", image=make_busybox(bench))
        deployment = bench.api.await_running(bench.api.deploy(bench.tenant_slug, "caller"))
        targets = _targets(bench, bench.read_variable(deployment["id"], "VENDO_API_KEY"))
        seen = {count: alternate(targets, count, ROUNDS, bench.home.run) for count in CONNECTIONS}
    figures = [
        Figure(f"{name} at {count}, requests per second as a share of hello-world", _share(loads, name), "")
        for count, loads in seen.items()
        for name in ROUTES
    ]
    return Report(
        [_table(count, loads) for count, loads in seen.items()],
        figures,
        [f"wrk, one thread, medians of {ROUNDS} runs of 3 s taking turns; wrk and servers share the cores."],
    )


def _targets(bench: Bench, app_key: str) -> list[Target]:
    hello = bench.start_web("hello", "bench.hello:app")
    headers = {"Authorization": f"Bearer {app_key}", "Host": f"localhost:{bench.port}"}
    routes = [Target(name, f"http://127.0.0.1:{bench.port}{path}", headers) for name, path in ROUTES.items()]
    return [Target(HELLO, f"http://127.0.0.1:{hello}/", {}), *routes]


def _table(count: int, loads: dict[str, Load]) -> Table:
    rows = [
        [
            name,
            f"{load.per_second:.0f}",
            f"{load.p50_ms:.2f}",
            f"{load.p99_ms:.2f}",
            f"{_share(loads, name):.2f}",
        ]
        for name, load in loads.items()
    ]
    return Table(
        (f"{count} connection{'s' * (count > 1)}", "req/s", "p50 ms", "p99 ms", "share of hello"), rows
    )


def _share(loads: dict[str, Load], name: str) -> float:
    return loads[name].per_second / loads[HELLO].per_second
