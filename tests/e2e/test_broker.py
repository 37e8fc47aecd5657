"""The broker is only a doorbell: deploys are accepted without it, and run when it is back."""

from tests.e2e.manifests import tool, web
from tests.e2e.owner import Owner

BACK_SECONDS = 90.0


def test_a_deploy_posted_while_the_broker_is_dead_runs_when_it_is_back(owner: Owner, busybox: str) -> None:
    stack = owner.stack
    slug = stack.publish(tool(web(busybox)))
    stack.servers.kill_queue()
    try:
        deployed = owner.deploy(slug)
        assert deployed.read()["status"] == "pending"
    finally:
        stack.servers.revive_queue()
    stack.keep_workers()
    deployed.await_status("running", BACK_SECONDS)
    assert len(deployed.containers()) == 1
