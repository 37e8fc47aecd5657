"""Workers that die or freeze: the deployment runs all the same, once."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select

from app.deployments.log_models import DeployLog
from app.deployments.models import Deployment
from app.deployments.operation_models import Operation, OperationPhase
from app.identity.keys import list_app_keys
from tests.e2e.manifests import patience, service, tool, web
from tests.e2e.owner import Deployed, Owner, await_that, opened_owner
from tests.e2e.stack import Stack, Worker
from tests.e2e.witness import Witness

TAKEN_OVER_SECONDS = 60.0
TIRED = {"LEASE_SECONDS": "3", "HEARTBEAT_SECONDS": "1"}


def slow_init(image: str, seconds: int) -> dict[str, Any]:
    init = service("setup", "init", image, startCommand=f"echo busy && sleep {seconds} && echo done")
    return tool(web(image), init)


def slow_boot(image: str, seconds: int) -> dict[str, Any]:
    command = f"sleep {seconds} && exec httpd -f -p 8080 -h /www"
    return tool(web(image, startCommand=command), readiness=patience(60))


def operations_of(deployed: Deployed) -> list[Operation]:
    with deployed.owner.stack.platform.database.session() as session:
        chosen = select(Operation).where(Operation.deployment_id == deployed.uuid)
        return list(session.execute(chosen).scalars())


def owner_pid(deployed: Deployed) -> int:
    """The process that holds the operation, by the name it claimed under."""
    return int((operations_of(deployed)[0].lease_owner or "::").split(":")[1] or 0)


def count_live_keys(deployed: Deployed) -> int:
    with deployed.owner.stack.platform.database.session() as session:
        app_id = session.get_one(Deployment, deployed.uuid).authorization_id
        assert app_id is not None
        return len(list_app_keys(session, app_id))


def ids_by_service(deployed: Deployed) -> dict[str, str]:
    found = deployed.containers()
    by_service = {item["Config"]["Labels"]["berth.service"]: item["Id"] for item in found}
    assert len(by_service) == len(found), "a service has two containers"
    return by_service


@pytest.fixture
def only(stack: Stack) -> Iterator[Stack]:
    """A stack without workers; afterwards it has them again."""
    stack.kill_workers()
    yield stack
    stack.keep_workers()


@pytest.fixture(scope="module")
def survivors(
    stack: Stack, witness: Witness, busybox: str
) -> Iterator[dict[str, tuple[Deployed, dict[str, str]]]]:
    """Two deployments whose worker was killed: inside deploy_compute, and when the containers were there."""
    stack.kill_workers()
    first = stack.start_worker()
    with opened_owner(stack, witness) as owner:
        inside = owner.deploy(stack.publish(slow_init(busybox, 6)))
        after = owner.deploy(stack.publish(slow_boot(busybox, 6)))
        await_that(lambda: "setup" in ids_by_service(inside), 30, "the init service")
        await_that(lambda: after.read()["currentStep"] == "health_check_done", 30, "the readiness phase")
        assert inside.read()["currentStep"] == "deploy_compute"
        assert {owner_pid(inside), owner_pid(after)} == {first.process.pid}
        stack.start_worker()
        before = {"inside": ids_by_service(inside), "after": ids_by_service(after)}
        first.kill()
        for deployed in (inside, after):
            deployed.await_status("running", TAKEN_OVER_SECONDS)
        yield {"inside": (inside, before["inside"]), "after": (after, before["after"])}
    stack.keep_workers()


@pytest.mark.parametrize("moment", ["inside", "after"])
def test_a_killed_workers_deployment_runs_on_with_the_containers_it_had(
    survivors: dict[str, tuple[Deployed, dict[str, str]]], moment: str
) -> None:
    deployed, before = survivors[moment]
    now = ids_by_service(deployed)
    assert before.items() <= now.items()
    assert set(now) == ({"setup", "web"} if moment == "inside" else {"web"})
    assert deployed.open().text == "hello\n"


@pytest.mark.parametrize("moment", ["inside", "after"])
def test_a_killed_worker_leaves_one_key_and_one_finished_operation(
    survivors: dict[str, tuple[Deployed, dict[str, str]]], moment: str
) -> None:
    deployed, _ = survivors[moment]
    assert count_live_keys(deployed) == 1
    (operation,) = operations_of(deployed)
    assert (operation.status, operation.attempts, operation.fence) == ("succeeded", 2, 2)
    assert operation.finished_at is not None
    phases = [row["step"] for row in deployed.logs() if row["durationMs"] is not None]
    assert len(phases) == len(set(phases)) == 14


def test_an_init_service_that_finished_is_not_run_again(
    survivors: dict[str, tuple[Deployed, dict[str, str]]],
) -> None:
    deployed, _ = survivors["inside"]
    assert deployed.container("setup")["RestartCount"] == 0
    said = [row["message"] for row in deployed.logs(source="container", service="setup")]
    assert said.count("busy") <= 1


def test_a_deploy_posted_while_every_worker_is_dead_runs_once_one_starts(
    only: Stack, owner: Owner, busybox: str
) -> None:
    deployed = owner.deploy(only.publish(tool(web(busybox))))
    assert deployed.read()["status"] == "pending"
    only.start_worker()
    deployed.await_status("running", TAKEN_OVER_SECONDS)
    assert set(ids_by_service(deployed)) == {"web"}


def count_written(deployed: Deployed) -> tuple[int, dict[str, int]]:
    """Rows of the log, and which claim finished each phase."""
    with deployed.owner.stack.platform.database.session() as session:
        rows = session.execute(select(func.count()).where(DeployLog.deployment_id == deployed.uuid)).scalar()
        chosen = select(OperationPhase.phase, OperationPhase.fence).join(Operation)
        phases = session.execute(chosen.where(Operation.deployment_id == deployed.uuid))
        return rows or 0, {row.phase: row.fence for row in phases}


def freeze(worker: Worker) -> None:
    worker.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, worker.process.pid, os.WSTOPPED | os.WNOWAIT)


def test_a_worker_that_slept_past_its_lease_writes_nothing_when_it_wakes(
    only: Stack, owner: Owner, busybox: str
) -> None:
    sleeper = only.start_worker(**TIRED)
    deployed = owner.deploy(only.publish(slow_init(busybox, 4)))
    await_that(lambda: "setup" in ids_by_service(deployed), 30, "the init service")
    freeze(sleeper)
    only.start_worker()
    deployed.await_status("running", TAKEN_OVER_SECONDS)
    written, containers = count_written(deployed), ids_by_service(deployed)
    assert written[1]["deploy_compute"] == written[1]["provision_bundle"] == 2
    sleeper.signal(signal.SIGCONT)
    await_that(lambda: "operation was taken over" in sleeper.log.read_text(), 30, "the sleeper to notice")
    assert count_written(deployed) == written
    assert ids_by_service(deployed) == containers
    assert count_live_keys(deployed) == 1
