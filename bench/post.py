"""`POST /api/deploy` answered 201: one call at a time over HTTP, the worker up and idle at each.

Each call deploys a tool whose build artifact is not in the store, under an Idempotency-Key of its own: the
request does everything that a real one does, and its operation ends in the worker before anything is made in
the engine. The next call waits for that.
"""

import time

from bench.api import Api
from bench.install import Bench, running_install
from bench.report import Figure, Report, Table, median, milliseconds, p99
from bench.tools import publish, store_artifact

CALLS = 200
WARM_UP = 10
GOAL_MS = 50.0
ARTIFACT = "bench/absent.tar.gz"


def measure() -> Report:
    """Median and p99 of the answer, and the median's ratio to an empty route on the same server."""
    with running_install() as bench:
        store_artifact(bench, ARTIFACT, {"Dockerfile": "FROM scratch\n"})
        publish(bench, "absent", buildArtifact=ARTIFACT)
        (bench.home.artifacts / ARTIFACT).unlink()
        hello = Api("127.0.0.1", bench.start_web("hello", "bench.hello:app"), "http://localhost")
        _measure(bench, hello, WARM_UP)
        posts, hellos = _measure(bench, hello, CALLS)
    return _report(posts, hellos)


def _measure(bench: Bench, hello: Api, calls: int) -> tuple[list[float], list[float]]:
    posts, hellos = [], []
    for _ in range(calls):
        bench.children.require_alive()
        began = time.monotonic()
        deployment_id = bench.api.deploy(bench.tenant_slug, "absent")
        posts.append(time.monotonic() - began)
        bench.api.await_end(deployment_id)
        began = time.monotonic()
        hello.call("GET", "/")
        hellos.append(time.monotonic() - began)
    return posts, hellos


def _report(posts: list[float], hellos: list[float]) -> Report:
    rows = [
        [name, milliseconds(median(times)), milliseconds(p99(times)), milliseconds(max(times))]
        for name, times in (("POST /api/deploy, 201", posts), ("hello-world Flask route", hellos))
    ]
    figures = (
        Figure("POST /api/deploy, median", median(posts) * 1000, "ms", GOAL_MS),
        Figure("POST /api/deploy, p99", p99(posts) * 1000, "ms"),
        Figure("ratio of the medians to hello-world", median(posts) / median(hellos), ""),
    )
    notes = (
        f"{CALLS} sequential calls on one connection, each with a new Idempotency-Key; worker and beat up.",
        "Each operation ends before the next call: the artifact is missing, so the engine does nothing.",
    )
    return Report([Table(("", "p50 ms", "p99 ms", "max ms"), rows)], figures, notes)
