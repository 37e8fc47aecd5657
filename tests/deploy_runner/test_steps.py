"""The steps on the real engine, and the slow or rare cases on one in memory."""

import time
from typing import Any, cast

import pytest

from deploy_runner.engines import docker_containers
from deploy_runner.engines.base import ContainerStatus, Engine, OwnedObject, OwnedObjects
from deploy_runner.engines.docker import DockerEngine
from deploy_runner.engines.docker_client import AnonymousClient
from deploy_runner.errors import StepError
from deploy_runner.plan import ArtifactBuild, DeploymentPlan, Role, ServicePlan
from deploy_runner.steps.containers import (
    await_containers_up,
    find_give_up_reason,
    launch_services,
    remove_containers,
    stop_services,
)
from deploy_runner.steps.images import prepare_images
from deploy_runner.steps.network import create_network, remove_networks
from deploy_runner.steps.teardown import remove_deployment
from deploy_runner.steps.volumes import create_volumes, remove_volumes
from tests.deploy_runner.fakes import FakeEngine, ReservedNameClient, make_state
from tests.deploy_runner.plans import Deployment, make_service, wait_until

SLEEP = ("sleep", "600")


def launch(engine: DockerEngine, deployment: Deployment, *services: ServicePlan) -> list[tuple[str, str]]:
    """Do every step up to running containers; return the events in order."""
    plan = deployment.plan(*services)
    events: list[tuple[str, str]] = []
    network_id = create_network(engine, plan.network, plan.labels)
    create_volumes(engine, plan)
    image_ids = prepare_images(engine, plan, network_id, lambda service, line: None)
    launch_services(engine, plan, image_ids, lambda service, event: events.append((service, event)))
    return events


def test_init_finishes_before_the_rest_starts_and_cron_waits_for_its_tick(
    engine: DockerEngine, deployment: Deployment
) -> None:
    events = launch(
        engine,
        deployment,
        deployment.service("migrate", role=Role.INIT, command=("sleep", "0.3")),
        deployment.service("queue", role=Role.WORKER, command=SLEEP),
        deployment.service("web"),
        deployment.service("nightly", role=Role.CRON, command=("true",)),
    )
    assert events == [
        ("migrate", "started"),
        ("migrate", "finished"),
        ("queue", "started"),
        ("web", "started"),
    ]


def test_a_failing_init_service_is_named_with_its_code_and_kept(
    engine: DockerEngine, deployment: Deployment
) -> None:
    init = deployment.service("migrate", role=Role.INIT, command=("sh", "-c", "echo broken; exit 7"))
    with pytest.raises(StepError, match="Init service migrate ended with exit code 7") as caught:
        launch(engine, deployment, init, deployment.service("web"))
    assert caught.value.service == "migrate"
    (kept,) = engine.list_containers(deployment.install_id, deployment.id)
    assert (kept.service, kept.exit_code) == ("migrate", 7)
    assert [line.message for line in engine.tail_logs(kept.id)] == ["broken"]


def test_an_init_service_over_its_limit_is_stopped_and_kept(
    engine: DockerEngine, deployment: Deployment
) -> None:
    init = deployment.service("migrate", role=Role.INIT, command=SLEEP, run_limit_seconds=1)
    with pytest.raises(StepError, match="Init service migrate: It did not finish within 1 s"):
        launch(engine, deployment, init)
    (kept,) = engine.list_containers(deployment.install_id, deployment.id)
    assert kept.state == ContainerStatus.EXITED


def test_containers_that_stay_up_are_up(engine: DockerEngine, deployment: Deployment) -> None:
    services = (deployment.service("web"), deployment.service("queue", role=Role.WORKER, command=SLEEP))
    launch(engine, deployment, *services)
    await_containers_up(engine, deployment.plan(*services), deadline_seconds=20)
    assert find_give_up_reason(engine, deployment.plan(*services), "web") is None


def test_a_container_that_ends_at_once_is_told_early(engine: DockerEngine, deployment: Deployment) -> None:
    service = deployment.service("web", command=("true",))
    launch(engine, deployment, service)
    plan = deployment.plan(service)
    wait_until(lambda: find_give_up_reason(engine, plan, "web") is not None)
    with pytest.raises(StepError, match="Service web ended at once with exit code 0") as caught:
        await_containers_up(engine, plan, deadline_seconds=20)
    assert caught.value.service == "web"


def test_every_step_and_its_removal_may_be_repeated(engine: DockerEngine, deployment: Deployment) -> None:
    service = deployment.service(volumes=(deployment.volume(),))
    for _ in range(2):
        launch(engine, deployment, service)
    owned = engine.list_owned(deployment.install_id, deployment.id)
    assert [len(kind) for kind in (owned.containers, owned.networks, owned.volumes)] == [1, 1, 1]
    for remove in (stop_services, remove_containers, remove_networks, remove_volumes):
        for _ in range(2):
            remove(engine, deployment.install_id, deployment.id)
    assert engine.list_owned(deployment.install_id, deployment.id) == OwnedObjects([], [], [], [])


def test_named_containers_survive_a_removal(engine: DockerEngine, deployment: Deployment) -> None:
    first = deployment.launch(engine, deployment.service(command=SLEEP))
    second = deployment.launch(engine, deployment.service(command=SLEEP), generation=2)
    remove_containers(engine, deployment.install_id, deployment.id, keep={second.name})
    assert [c.id for c in engine.list_containers(deployment.install_id, deployment.id)] == [second.id]
    assert engine.find_container(first.name) is None


def test_a_teardown_removes_everything_and_repeats_without_effect(
    engine: DockerEngine, deployment: Deployment
) -> None:
    launch(engine, deployment, deployment.service(volumes=(deployment.volume(),)))
    for _ in range(2):
        remove_deployment(engine, deployment.install_id, deployment.id, keep_volumes=False)
    assert engine.list_owned(deployment.install_id, deployment.id) == OwnedObjects([], [], [], [])


def test_a_teardown_may_keep_the_data(engine: DockerEngine, deployment: Deployment) -> None:
    launch(engine, deployment, deployment.service(volumes=(deployment.volume(),)))
    remove_deployment(engine, deployment.install_id, deployment.id, keep_volumes=True)
    owned = engine.list_owned(deployment.install_id, deployment.id)
    assert (owned.containers, owned.networks) == ([], [])
    assert [item.name for item in owned.volumes] == [deployment.volume().name]


def test_a_teardown_that_gets_nowhere_names_what_stays() -> None:
    left = OwnedObjects([OwnedObject("c1", "berth-web", {})], [], [], [])
    stubborn = FakeEngine(owned=left, stubborn=True)
    with pytest.raises(StepError, match="Could not be removed: berth-web") as caught:
        remove_deployment(as_engine(stubborn), "install", "d" * 32, keep_volumes=False)
    assert not caught.value.permanent


def as_engine(fake: FakeEngine) -> Engine:
    return cast(Engine, fake)


def plan_of(*services: ServicePlan) -> DeploymentPlan:
    return Deployment("install", "d" * 32, "example/tool:1", "10.216.0.0/28").plan(*services)


def test_a_service_that_used_up_its_restarts_ends_the_waiting() -> None:
    restarting = make_state(state=ContainerStatus.RESTARTING, restarts=3)
    exhausted = make_state(state=ContainerStatus.EXITED, exit_code=2, restarts=10, exhausted=True)
    engine = as_engine(FakeEngine(looks=[restarting, restarting, exhausted]))
    with pytest.raises(StepError, match="kept ending with exit code 2 and used up its restarts"):
        await_containers_up(engine, plan_of(make_service()))


def test_a_container_that_vanished_ends_the_waiting() -> None:
    with pytest.raises(StepError, match="container of service web is gone"):
        await_containers_up(as_engine(FakeEngine(looks=[None])), plan_of(make_service()))


def test_a_restarting_service_is_waited_for_until_the_deadline() -> None:
    engine = as_engine(FakeEngine(looks=[make_state(state=ContainerStatus.RESTARTING)]))
    with pytest.raises(StepError, match="Not up in time: web"):
        await_containers_up(engine, plan_of(make_service()), deadline_seconds=0.2)


def test_a_worker_must_stay_up_before_it_counts() -> None:
    engine = as_engine(FakeEngine(looks=[make_state()]))
    began = time.monotonic()
    await_containers_up(engine, plan_of(make_service("queue", role=Role.WORKER)))
    assert time.monotonic() - began >= 1.0


def test_the_next_service_starts_only_when_the_one_before_is_up() -> None:
    engine = FakeEngine(looks=[make_state(state=ContainerStatus.CREATED), make_state()])
    plan = plan_of(make_service("db", role=Role.WORKER), make_service("web"))
    launch_services(as_engine(engine), plan, {"db": "1", "web": "1"}, lambda service, event: None)
    assert len(engine.looks) == 1


def test_a_shared_source_is_had_once_and_output_names_the_service(tmp_path: Any) -> None:
    engine = FakeEngine()
    shared = ArtifactBuild(tmp_path / "a.tgz", "berth/x:1")
    services = (make_service("web", image=shared), make_service("queue", image=shared), make_service("other"))
    output: list[tuple[str, str]] = []
    ids = prepare_images(as_engine(engine), plan_of(*services), "net", lambda *line: output.append(line))
    assert ids == {"web": "sha256:1", "queue": "sha256:1", "other": "sha256:2"}
    assert output == [("web", "done"), ("other", "done")]


def test_an_image_that_cannot_be_had_names_its_service() -> None:
    service = make_service("queue")
    engine = FakeEngine(absent=(service.image,))
    with pytest.raises(StepError, match="no such image") as caught:
        prepare_images(as_engine(engine), plan_of(service), "net", lambda *line: None)
    assert caught.value.service == "queue"


@pytest.mark.parametrize("status", [400, 409])
def test_a_name_that_stays_reserved_for_a_while_is_tried_again(
    status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_containers, "_NAME_RETRY_SECONDS", 0)
    client = ReservedNameClient(conflicts=3, status=status)
    service = make_service()
    config = {"Labels": {"berth.spec": "x"}}
    held = docker_containers._create_or_adopt(
        cast(AnonymousClient, client), plan_of(service), service, config
    )
    assert (held.container_id, client.created) == ("new", 1)
