"""Pulls by the real engine from a registry on loopback."""

import threading
from collections.abc import Iterator

import docker
import pytest

from deploy_runner.engines import docker_images
from deploy_runner.engines.docker import DockerEngine
from deploy_runner.errors import StepError
from deploy_runner.plan import RegistryImage
from tests.deploy_runner.plans import make_labels
from tests.deploy_runner.registry import Registry, run_registry


@pytest.fixture
def registry(raw: docker.APIClient) -> Iterator[Registry]:
    with run_registry() as running:
        running.publish("one")
        yield running
    for image in raw.images(f"127.0.0.1:{running.port}/berth-test/tool", all=True):
        raw.remove_image(image["Id"], force=True)


def pull(engine: DockerEngine, reference: str, output: list[str] | None = None, refresh: bool = False) -> str:
    image = RegistryImage(reference, refresh)
    return engine.ensure_image(image, make_labels(), "none", (output if output is not None else []).append)


def test_an_absent_image_is_pulled_anonymously_and_only_once(
    engine: DockerEngine, registry: Registry
) -> None:
    output: list[str] = []
    image_id = pull(engine, registry.reference, output)
    assert any("Pull complete" in line for line in output)
    asked = len(registry.requests)
    assert pull(engine, registry.reference) == image_id
    assert len(registry.requests) == asked
    assert {authorization for _, authorization in registry.requests} == {None}


def test_a_moved_tag_is_followed_only_when_asked_again(engine: DockerEngine, registry: Registry) -> None:
    first = pull(engine, registry.reference)
    registry.publish("two")
    assert pull(engine, registry.reference) == first
    second = pull(engine, registry.reference, refresh=True)
    assert second != first
    assert pull(engine, registry.reference, refresh=True) == second


def test_an_unknown_tag_is_told_in_words(engine: DockerEngine, registry: Registry) -> None:
    with pytest.raises(StepError, match="could not be pulled: the registry has no such tag") as caught:
        pull(engine, registry.reference.replace(":1", ":9"))
    assert caught.value.permanent


def test_a_registry_that_hangs_is_given_up(
    engine: DockerEngine, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_images, "PULL_SILENCE_SECONDS", 1)
    registry.hanging = threading.Event()
    with pytest.raises(StepError, match="the registry did not answer in time"):
        pull(engine, registry.reference)
    registry.hanging.set()
