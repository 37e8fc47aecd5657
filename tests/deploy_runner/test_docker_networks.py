"""Networks and volumes on the real engine: each made and removed twice."""

import docker
import pytest

from deploy_runner.engines.docker import DockerEngine
from deploy_runner.errors import EngineUnavailableError, StepError, SubnetTakenError
from deploy_runner.plan import NetworkPlan, VolumePlan
from tests.deploy_runner.plans import Deployment


def test_a_network_made_twice_is_one_network_on_its_subnet(
    engine: DockerEngine, raw: docker.APIClient, deployment: Deployment
) -> None:
    first = engine.ensure_network(deployment.network, deployment.labels())
    second = engine.ensure_network(deployment.network, deployment.labels(fence=2))
    assert first == second
    assert raw.inspect_network(first)["IPAM"]["Config"][0]["Subnet"] == deployment.subnet
    assert deployment.subnet in engine.list_subnets()


def test_an_overlapping_subnet_is_told_apart_from_other_failures(
    engine: DockerEngine, deployment: Deployment, network_id: str
) -> None:
    other = NetworkPlan(f"berth-test-{deployment.id}", deployment.subnet)
    with pytest.raises(SubnetTakenError) as caught:
        engine.ensure_network(other, deployment.labels())
    assert not caught.value.permanent


def test_a_network_removed_twice_is_gone(
    engine: DockerEngine, raw: docker.APIClient, network_id: str
) -> None:
    engine.remove_network(network_id)
    engine.remove_network(network_id)
    assert raw.networks(ids=[network_id]) == []


def test_a_network_that_is_not_ours_is_neither_used_nor_removed(
    engine: DockerEngine, raw: docker.APIClient, deployment: Deployment
) -> None:
    foreign = raw.create_network(deployment.network.name, labels={"berth.test": "1"}, internal=True)["Id"]
    try:
        with pytest.raises(StepError, match="not made by this installation"):
            engine.ensure_network(deployment.network, deployment.labels())
        with pytest.raises(StepError, match="not made by this installation"):
            engine.remove_network(foreign)
    finally:
        raw.remove_network(foreign)


def test_a_volume_made_twice_is_one_and_removed_twice_is_gone(
    engine: DockerEngine, raw: docker.APIClient, deployment: Deployment
) -> None:
    volume = deployment.volume()
    engine.ensure_volume(volume, deployment.labels())
    engine.ensure_volume(volume, deployment.labels(fence=2))
    assert raw.inspect_volume(volume.name)["Labels"]["berth.deployment"] == deployment.id
    engine.remove_volume(volume.name)
    engine.remove_volume(volume.name)
    with pytest.raises(docker.errors.NotFound):
        raw.inspect_volume(volume.name)


def test_a_volume_that_is_not_ours_is_neither_used_nor_removed(
    engine: DockerEngine, raw: docker.APIClient, deployment: Deployment
) -> None:
    name = f"berth-test-{deployment.id}"
    raw.create_volume(name, labels={"berth.test": "1"})
    try:
        with pytest.raises(StepError, match="not made by this installation"):
            engine.ensure_volume(VolumePlan(name, "/data", 1), deployment.labels())
        with pytest.raises(StepError, match="not made by this installation"):
            engine.remove_volume(name)
    finally:
        raw.remove_volume(name)


def test_a_volume_in_use_is_kept(engine: DockerEngine, deployment: Deployment) -> None:
    volume = deployment.volume()
    engine.ensure_volume(volume, deployment.labels())
    deployment.launch(engine, deployment.service(volumes=(volume,)))
    with pytest.raises(StepError, match="still in use"):
        engine.remove_volume(volume.name)


def test_an_engine_that_does_not_answer_says_so_and_may_be_tried_again() -> None:
    absent = DockerEngine("unix:///nonexistent/docker.sock", "install")
    with pytest.raises(EngineUnavailableError) as caught:
        absent.list_subnets()
    assert not caught.value.permanent


def test_the_engine_describes_itself(engine: DockerEngine) -> None:
    info = engine.info()
    assert info.cpus >= 1
    assert info.memory_bytes > 0
    assert info.free_disk_bytes is not None
    assert info.version
    assert info.api_version
