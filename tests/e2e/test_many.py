"""Forty deployments at the same time, on networks that the engine's own pools could not give."""

import ipaddress
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import func, select

from app.deployments.models import HostPort, NetworkSubnet
from tests.e2e.manifests import tool, web
from tests.e2e.owner import Deployed, Owner, await_that, opened_owner
from tests.e2e.stack import Stack
from tests.e2e.witness import Witness

MANY = 40
RUN_SECONDS = 150.0


@pytest.fixture(scope="module")
def many(stack: Stack, witness: Witness, busybox: str) -> Iterator[Owner]:
    """Forty of one tool, posted at once, all running."""
    slug = stack.publish(
        tool(web(busybox, resources={"cpus": 0.1, "memoryMB": 16}), readiness=slow_machine())
    )
    with opened_owner(stack, witness) as owner:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: owner.deploy(slug), range(MANY)))
        await_that(lambda: count_running(owner) == MANY, RUN_SECONDS, "all forty running")
        yield owner


def slow_machine() -> dict[str, Any]:
    return {"healthPath": "/", "maxRetries": 60, "retryIntervalSec": 1}


def count_running(owner: Owner) -> int:
    statuses = [item["status"] for item in owner.list_deployments()]
    assert "failed" not in statuses, [item.read()["errorMessage"] for item in owner.deployments]
    return statuses.count("running")


def networks_of(deployed: Deployed) -> list[dict[str, Any]]:
    chosen = {"label": f"berth.deployment={deployed.hex}"}
    return list(deployed.owner.stack.engine.networks(filters=chosen))


def count_addresses(stack: Stack, owner: Owner) -> int:
    """Subnets and ports that the owner's deployments hold."""
    ids = [item.uuid for item in owner.deployments]
    with stack.platform.database.session() as session:
        counts = [
            session.execute(select(func.count()).where(table.deployment_id.in_(ids))).scalar() or 0
            for table in (NetworkSubnet, HostPort)
        ]
    return sum(counts)


def test_each_has_a_network_of_its_own_on_a_small_subnet(many: Owner) -> None:
    found = [networks_of(item) for item in many.deployments]
    assert [len(networks) for networks in found] == [1] * MANY
    subnets = [ipaddress.ip_network(networks[0]["IPAM"]["Config"][0]["Subnet"]) for networks in found]
    assert {subnet.prefixlen for subnet in subnets} == {28}
    assert not [pair for pair in combinations(subnets, 2) if pair[0].overlaps(pair[1])]


def test_each_answers_through_berth(many: Owner) -> None:
    assert [item.open().text for item in many.deployments] == ["hello\n"] * MANY


def test_they_are_destroyed_without_residue(many: Owner, stack: Stack, witness: Witness) -> None:
    assert count_addresses(stack, many) == 2 * MANY
    witness.look(stack)
    began = time.monotonic()
    for item in many.deployments:
        item.destroy()
    await_that(lambda: many.list_deployments() == [], RUN_SECONDS, "all forty destroyed")
    print(f"destroyed in {time.monotonic() - began:.1f} s")
    assert [item.containers() + networks_of(item) for item in many.deployments] == [[]] * MANY
    assert count_addresses(stack, many) == 0
    assert {item.read()["status"] for item in many.deployments} == {"destroyed"}
    assert {item.open().status_code for item in many.deployments} == {404}
