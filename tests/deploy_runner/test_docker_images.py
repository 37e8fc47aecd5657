"""Builds and pulls on the real engine."""

from pathlib import Path

import docker
import pytest

from deploy_runner.build_context import Bases
from deploy_runner.engines.docker import DockerEngine
from deploy_runner.errors import StepError
from deploy_runner.health import probe
from deploy_runner.plan import ArtifactBuild, RegistryImage
from deploy_runner.steps.images import remove_images
from tests.deploy_runner.archives import write_archive
from tests.deploy_runner.plans import Deployment, free_port, wait_until


def tag_of(deployment: Deployment) -> str:
    return f"berth/{deployment.id[:12]}:1-web-0"


def artifact(deployment: Deployment, folder: Path, dockerfile: str) -> ArtifactBuild:
    archive = write_archive(
        folder / "a.tgz", {"Dockerfile": dockerfile.format(base=deployment.image), "f": "x"}
    )
    return ArtifactBuild(archive, tag_of(deployment))


def test_a_dockerfile_is_built_once_and_labelled(
    engine: DockerEngine, raw: docker.APIClient, deployment: Deployment, network_id: str, tmp_path: Path
) -> None:
    source = artifact(deployment, tmp_path, "FROM {base}\nRUN echo built here\nCOPY f /f\n")
    output: list[str] = []
    first = engine.ensure_image(source, deployment.labels(), network_id, output.append)
    assert "built here" in output
    again: list[str] = []
    assert engine.ensure_image(source, deployment.labels(fence=2), network_id, again.append) == first
    assert again == []
    assert raw.inspect_image(first)["Config"]["Labels"]["berth.install"] == deployment.labels().install_id


def test_a_build_runs_on_the_given_network_and_leaves_no_container(
    engine: DockerEngine, raw: docker.APIClient, deployment: Deployment, network_id: str, tmp_path: Path
) -> None:
    before = {entry["Id"] for entry in raw.containers(all=True, filters={"ancestor": deployment.image})}
    source = artifact(deployment, tmp_path, "FROM {base}\nRUN cat /proc/net/route\n")
    output: list[str] = []
    engine.ensure_image(source, deployment.labels(), network_id, output.append)
    first, second, third, _ = deployment.subnet.partition("/")[0].split(".")
    assert f"00{int(third):02X}{int(second):02X}{int(first):02X}"[2:] in "\n".join(output)
    after = {entry["Id"] for entry in raw.containers(all=True, filters={"ancestor": deployment.image})}
    assert after <= before


def test_a_failing_instruction_is_named_with_its_last_output(
    engine: DockerEngine, deployment: Deployment, network_id: str, tmp_path: Path
) -> None:
    source = artifact(deployment, tmp_path, "FROM {base}\nRUN echo before\nRUN echo reason >&2; exit 3\n")
    with pytest.raises(StepError, match=r'failed at "RUN echo reason') as caught:
        engine.ensure_image(source, deployment.labels(), network_id, print)
    assert "\nreason\n" in caught.value.message
    assert "non-zero code: 3" in caught.value.message
    assert caught.value.permanent


def test_a_failed_build_leaves_no_layers_behind(
    engine: DockerEngine, raw: docker.APIClient, deployment: Deployment, network_id: str, tmp_path: Path
) -> None:
    source = artifact(
        deployment, tmp_path, f"FROM {{base}}\nCOPY f /f\nRUN echo {deployment.id} > /g\nRUN false\n"
    )
    output: list[str] = []
    with pytest.raises(StepError):
        engine.ensure_image(source, deployment.labels(), network_id, output.append)
    layers = [line.split()[1] for line in output if line.startswith(" ---> ") and "Running" not in line]
    assert len(layers) == 3
    assert raw.inspect_image(layers[0])["RepoTags"] == [deployment.image]
    for layer in layers[1:]:
        with pytest.raises(docker.errors.NotFound):
            raw.inspect_image(layer)


def test_a_dockerfile_that_does_not_parse_is_told_in_words(
    engine: DockerEngine, deployment: Deployment, network_id: str, tmp_path: Path
) -> None:
    with pytest.raises(StepError, match=r"could not be built: .*NONSENSE"):
        engine.ensure_image(
            artifact(deployment, tmp_path, "FROM {base}\nNONSENSE\n"), deployment.labels(), network_id, print
        )


def test_a_tag_that_is_not_ours_is_neither_reused_nor_removed(
    engine: DockerEngine, raw: docker.APIClient, deployment: Deployment, network_id: str, tmp_path: Path
) -> None:
    repository, _, tag = tag_of(deployment).partition(":")
    raw.tag(deployment.image, repository, tag)
    try:
        source = artifact(deployment, tmp_path, "FROM {base}\n")
        with pytest.raises(StepError, match="not made by this installation"):
            engine.ensure_image(source, deployment.labels(), network_id, print)
        with pytest.raises(StepError, match="not made by this installation"):
            engine.remove_image(tag_of(deployment))
    finally:
        raw.remove_image(tag_of(deployment), noprune=True)


def test_an_image_in_use_stays_and_may_be_removed_twice_afterwards(
    engine: DockerEngine, deployment: Deployment, network_id: str, tmp_path: Path
) -> None:
    source = artifact(deployment, tmp_path, "FROM {base}\nCOPY f /f\n")
    image_id = engine.ensure_image(source, deployment.labels(), network_id, print)
    service = deployment.service(image=source)
    state = engine.launch(deployment.plan(service), service, image_id)
    assert state.image == source.tag
    with pytest.raises(StepError, match="still in use"):
        engine.remove_image(image_id)
    engine.remove_container(state.id)
    for _ in range(2):
        remove_images(engine, [image_id])


def test_a_present_image_is_not_pulled_unless_asked_again(
    engine: DockerEngine, deployment: Deployment
) -> None:
    output: list[str] = []
    present = RegistryImage(deployment.image)
    assert engine.ensure_image(present, deployment.labels(), "none", output.append).startswith("sha256:")
    assert output == []
    with pytest.raises(StepError, match="could not be pulled"):
        engine.ensure_image(
            RegistryImage(deployment.image, refresh=True), deployment.labels(), "none", output.append
        )


STAND_IN = """\
FROM {base}
RUN mkdir /srv && printf '#!/bin/sh\\nexec httpd -f -p "$PORT" -h "$3"\\n' > /bin/python3
RUN chmod 755 /bin/python3
"""


def test_an_artifact_without_a_dockerfile_is_served_as_a_site(
    engine: DockerEngine, install_id: str, deployment: Deployment, network_id: str, tmp_path: Path
) -> None:
    base = artifact(deployment, tmp_path, STAND_IN)
    engine.ensure_image(base, deployment.labels(), network_id, print)
    pages = write_archive(tmp_path / "site.tgz", {"index.html": "a page"})
    source = ArtifactBuild(pages, f"{tag_of(deployment)}-site")
    sites = DockerEngine(None, install_id, Bases(python=base.tag))
    image_id = sites.ensure_image(source, deployment.labels(), network_id, print)
    port = free_port()
    service = deployment.service(image=source, command=None, host_port=port)
    sites.launch(deployment.plan(service), service, image_id)
    wait_until(lambda: probe(f"http://127.0.0.1:{port}/").ok)
    sites.close()
