"""Containers on the real engine."""

import json
import traceback
from urllib.request import urlopen

import docker
import pytest

from deploy_runner.engines.base import ContainerStatus
from deploy_runner.engines.docker import DockerEngine
from deploy_runner.errors import PortTakenError, StepError
from deploy_runner.health import probe
from deploy_runner.plan import RegistryImage, Role, VolumePlan, container_name
from tests.deploy_runner.plans import Deployment, free_port, wait_until

SLEEP = ("sleep", "600")
AWKWARD = {
    "QUOTES": "single ' double \" back ` slash \\",
    "LINES": "first\nsecond\r\n\n  last ",
    "SHELL": "$HOME ${PATH} $(id) %s # not a comment; & | > <",
    "EMOJI": "🚀 ünïcode \u2028",
    "EMPTY": "",
    "EQUALS": "a=b=c",
    "LONG": "x" * 10_000,
}


def test_a_launched_service_answers_on_loopback(engine: DockerEngine, deployment: Deployment) -> None:
    port = free_port()
    state = deployment.launch(engine, deployment.service(host_port=port))
    assert (state.state, state.service, state.host_port) == (ContainerStatus.RUNNING, "web", port)
    assert state.image == deployment.image
    assert state.started_at is not None
    wait_until(lambda: probe(f"http://127.0.0.1:{port}/").ok)
    with urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert answer.read() == b"hello\n"


def test_launching_twice_adopts_the_running_container(engine: DockerEngine, deployment: Deployment) -> None:
    first = deployment.launch(engine, deployment.service())
    second = deployment.launch(engine, deployment.service(), fence=2, operation_id="operation-2")
    assert (second.id, second.started_at) == (first.id, first.started_at)
    assert len(engine.list_containers(deployment.install_id, deployment.id)) == 1


def test_a_created_container_that_was_never_started_is_started(
    engine: DockerEngine, raw: docker.APIClient, deployment: Deployment
) -> None:
    first = deployment.launch(engine, deployment.service(command=SLEEP))
    config = raw.inspect_container(first.id)
    raw.remove_container(first.id, force=True)
    body = {**config["Config"], "HostConfig": config["HostConfig"]}
    created = raw.create_container_from_config(body, first.name)["Id"]
    second = deployment.launch(engine, deployment.service(command=SLEEP))
    assert (second.id, second.state) == (created, ContainerStatus.RUNNING)


def test_a_changed_service_replaces_its_container(engine: DockerEngine, deployment: Deployment) -> None:
    first = deployment.launch(engine, deployment.service(command=SLEEP))
    second = deployment.launch(engine, deployment.service(command=SLEEP, env={"LEVEL": "debug"}))
    assert second.id != first.id
    assert [state.id for state in engine.list_containers(deployment.install_id, deployment.id)] == [second.id]


def test_variables_arrive_byte_for_byte(
    engine: DockerEngine, raw: docker.APIClient, deployment: Deployment
) -> None:
    service = deployment.service(role=Role.INIT, command=("cat", "/proc/self/environ"), env=AWKWARD)
    state = deployment.launch(engine, service)
    assert engine.wait_exit(state.id, 20) == 0
    printed = raw.logs(state.id, stdout=True, stderr=False)
    for name, value in AWKWARD.items():
        assert f"{name}={value}\0".encode() in printed


def test_hardening_holds_inside_the_container(
    engine: DockerEngine, raw: docker.APIClient, deployment: Deployment
) -> None:
    state = deployment.launch(engine, deployment.service(command=SLEEP, env={"VENDO_API_KEY": "vendo_sk_x"}))
    seen = raw.inspect_container(state.id)
    host = seen["HostConfig"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["CapDrop"] == ["ALL"]
    assert host["PidsLimit"] == 512
    assert host["Memory"] == host["MemorySwap"] == 64 * 1024 * 1024
    assert not host["Privileged"]
    assert "docker.sock" not in json.dumps(seen["Mounts"])
    assert list(seen["NetworkSettings"]["Networks"]) == [f"berth-{deployment.id}"]
    assert "vendo_sk_x" not in json.dumps(seen["Config"]["Labels"])


def test_a_service_reaches_another_by_its_name(engine: DockerEngine, deployment: Deployment) -> None:
    deployment.launch(engine, deployment.service("web"))
    caller = deployment.service("job", role=Role.INIT, command=("wget", "-q", "-O", "-", "http://web:8080/"))
    state = deployment.launch(engine, caller)
    assert engine.wait_exit(state.id, 20) == 0
    assert [line.message for line in engine.tail_logs(state.id)] == ["hello"]


def test_a_taken_host_port_is_told_apart_and_leaves_no_container(
    engine: DockerEngine, deployment: Deployment
) -> None:
    port = free_port()
    deployment.launch(engine, deployment.service("web", host_port=port))
    with pytest.raises(PortTakenError) as caught:
        deployment.launch(engine, deployment.service("other", host_port=port))
    assert caught.value.port == port
    assert not caught.value.permanent
    assert engine.find_container(container_name(deployment.id, "other", 1)) is None


def test_a_container_that_is_not_ours_is_neither_used_nor_touched(
    engine: DockerEngine, raw: docker.APIClient, deployment: Deployment
) -> None:
    name = container_name(deployment.id, "web", 1)
    config = {"Image": deployment.image, "Cmd": list(SLEEP), "NetworkDisabled": True}
    foreign = raw.create_container_from_config(config, name)["Id"]
    try:
        for touch in (
            lambda: deployment.launch(engine, deployment.service()),
            lambda: engine.remove_container(foreign),
            lambda: engine.stop(foreign, 1),
        ):
            with pytest.raises(StepError, match="not made by this installation"):
                touch()
        assert engine.find_container(name) is None
    finally:
        raw.remove_container(foreign, force=True)


def test_a_refusal_is_told_without_the_variables(engine: DockerEngine, deployment: Deployment) -> None:
    secret = "s3cr3t/not-absolute"
    volume = VolumePlan(f"berth-test-{deployment.id}", secret, 1)
    service = deployment.service(volumes=(volume,), env={"SECRET": secret})
    with pytest.raises(StepError, match=r"Service web could not be created: .*\[hidden\]") as caught:
        deployment.launch(engine, service)
    assert caught.value.service == "web"
    assert secret not in "".join(traceback.format_exception(caught.value))


def test_a_missing_command_ends_with_the_shell_code_for_it(
    engine: DockerEngine, deployment: Deployment
) -> None:
    init = deployment.service(role=Role.INIT, command=("absent-command",))
    state = deployment.launch(engine, init)
    assert engine.wait_exit(state.id, 20) == 127
    assert "absent-command" in engine.tail_logs(state.id)[0].message


def test_more_processors_than_the_machine_has_are_refused_in_words(
    engine: DockerEngine, deployment: Deployment
) -> None:
    with pytest.raises(StepError, match=r"Service web could not be created: .*CPUs") as caught:
        deployment.launch(engine, deployment.service(cpus=4096))
    assert caught.value.permanent


def test_a_finished_init_container_is_not_run_again(engine: DockerEngine, deployment: Deployment) -> None:
    init = deployment.service("migrate", role=Role.INIT, command=("true",))
    first = deployment.launch(engine, init)
    assert engine.wait_exit(first.id, 20) == 0
    assert deployment.launch(engine, init).id == first.id


def test_a_failed_init_container_is_run_again(engine: DockerEngine, deployment: Deployment) -> None:
    init = deployment.service("migrate", role=Role.INIT, command=("false",))
    first = deployment.launch(engine, init)
    assert engine.wait_exit(first.id, 20) == 1
    assert deployment.launch(engine, init).id != first.id


def test_a_container_over_its_time_is_reported(engine: DockerEngine, deployment: Deployment) -> None:
    state = deployment.launch(engine, deployment.service("migrate", role=Role.INIT, command=SLEEP))
    with pytest.raises(StepError, match="did not finish within 1 s"):
        engine.wait_exit(state.id, 1)


def test_stopping_starting_and_removing_may_each_be_repeated(
    engine: DockerEngine, deployment: Deployment
) -> None:
    state = deployment.launch(engine, deployment.service(command=SLEEP))
    for _ in range(2):
        engine.stop(state.id, 5)
    stopped = engine.find_container(state.name)
    assert stopped is not None
    assert (stopped.state, stopped.exhausted) == (ContainerStatus.EXITED, False)
    for _ in range(2):
        engine.start(state.id)
    for _ in range(2):
        engine.remove_container(state.id)
    engine.stop(state.id, 5)
    assert engine.find_container(state.name) is None


def test_what_a_tool_wrote_to_its_volume_outlives_the_container(
    engine: DockerEngine, deployment: Deployment
) -> None:
    volume = deployment.volume("job")
    engine.ensure_volume(volume, deployment.labels())
    for command in ("echo kept > /data/file", "cat /data/file"):
        job = deployment.service("job", role=Role.INIT, command=("sh", "-c", command), volumes=(volume,))
        state = deployment.launch(engine, job)
        assert engine.wait_exit(state.id, 20) == 0
    assert [line.message for line in engine.tail_logs(state.id)] == ["kept"]


def test_everything_made_is_listed_by_its_labels(engine: DockerEngine, deployment: Deployment) -> None:
    volume = deployment.volume()
    engine.ensure_volume(volume, deployment.labels())
    state = deployment.launch(engine, deployment.service(volumes=(volume,)))
    owned = engine.list_owned(deployment.install_id, deployment.id)
    assert [(item.id, item.name) for item in owned.containers] == [(state.id, state.name)]
    assert [item.name for item in owned.networks] == [deployment.network.name]
    assert [item.name for item in owned.volumes] == [volume.name]
    assert owned.containers[0].labels["berth.tenant"] == "tenant-1"
    assert engine.list_owned(deployment.install_id, "f" * 32).containers == []


def test_an_absent_image_is_told_in_words(engine: DockerEngine, deployment: Deployment) -> None:
    with pytest.raises(StepError, match=r"The image berth-test/absent:1 could not be pulled: .+\.") as caught:
        engine.ensure_image(RegistryImage("berth-test/absent:1"), deployment.labels(), "none", print)
    assert caught.value.permanent
