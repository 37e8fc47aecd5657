"""The broker is only a doorbell: deploys are accepted without it, and run when it is back."""

import redis

from tests.e2e.manifests import tool, web
from tests.e2e.owner import Deployed, Owner, await_that

BACK_SECONDS = 90.0


def is_running(deployed: Deployed) -> bool:
    """Ask while workers are looked after as the supervisor does: a lost broker may end a Celery worker."""
    deployed.owner.stack.keep_workers()
    return bool(deployed.read()["status"] == "running")


def test_a_deploy_posted_while_the_broker_is_dead_runs_when_it_is_back(owner: Owner, busybox: str) -> None:
    stack = owner.stack
    slug = stack.publish(tool(web(busybox)))
    stack.servers.kill_queue()
    try:
        deployed = owner.deploy(slug)
        assert deployed.read()["status"] == "pending"
    finally:
        stack.servers.revive_queue()
    await_that(lambda: is_running(deployed), BACK_SECONDS, "running")
    assert len(deployed.containers()) == 1


def test_a_flush_that_takes_the_bell_away_loses_no_deploy(owner: Owner, busybox: str) -> None:
    stack = owner.stack
    stack.kill_workers()
    deployed = owner.deploy(stack.publish(tool(web(busybox))))
    redis.Redis.from_url(stack.servers.queue.url).flushall()
    await_that(lambda: is_running(deployed), BACK_SECONDS, "running")
    assert len(deployed.containers()) == 1
