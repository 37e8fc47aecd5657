"""A real engine, a tiny image made from busybox alone, and deployments that clean up after themselves."""

import io
import secrets
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from deploy_runner.engines.docker import DockerEngine
from deploy_runner.steps.teardown import remove_deployment
from tests.deploy_runner.plans import Deployment, free_subnet

APPLETS = (
    "cat",
    "chmod",
    "echo",
    "env",
    "false",
    "httpd",
    "ls",
    "mkdir",
    "printf",
    "sh",
    "sleep",
    "true",
    "wget",
)


@pytest.fixture(scope="session")
def raw() -> Iterator[docker.APIClient]:
    """The engine seen without Berth's code."""
    client = docker.APIClient(version="auto")
    yield client
    client.close()


@pytest.fixture(scope="session")
def busybox(raw: docker.APIClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The reference of a 2 MB image with a shell and a web server."""
    folder = tmp_path_factory.mktemp("busybox")
    repository, tag = "berth-test/busybox", secrets.token_hex(4)
    archive = folder / "image.tar"
    _write_image(_find_binary(folder), archive)
    raw.import_image(src=str(archive), repository=repository, tag=tag, changes=["LABEL berth.test=1"])
    yield f"{repository}:{tag}"
    raw.remove_image(f"{repository}:{tag}", force=True)


def _find_binary(folder: Path) -> Path:
    subprocess.run(
        ["apt-get", "download", "-qq", "busybox-static"], cwd=folder, check=True, capture_output=True
    )
    package = next(folder.glob("busybox-static*.deb"))
    subprocess.run(["dpkg-deb", "-x", package, folder / "package"], check=True)
    return folder / "package" / "bin" / "busybox"


def _write_image(binary: Path, archive: Path) -> None:
    with tarfile.open(archive, "w") as image:
        image.add(binary, "bin/busybox")
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            image.addfile(link)
        for name, text in (("etc/passwd", "root:x:0:0::/:/bin/sh\n"), ("www/index.html", "hello\n")):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), 0o644
            image.addfile(member, io.BytesIO(text.encode()))


@pytest.fixture(scope="session")
def install_id() -> str:
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture(scope="session")
def engine(install_id: str) -> Iterator[DockerEngine]:
    opened = DockerEngine(None, install_id)
    yield opened
    opened.close()


@pytest.fixture
def deployment(engine: DockerEngine, install_id: str, busybox: str) -> Iterator[Deployment]:
    """A deployment that has not touched the engine yet; whatever it makes is removed at the end."""
    made = Deployment(install_id, secrets.token_hex(16), busybox, free_subnet(engine))
    yield made
    remove_deployment(engine, install_id, made.id, keep_volumes=False)
    for image in engine.list_owned(install_id, made.id).images:
        engine.remove_image(image.id)


@pytest.fixture
def network_id(engine: DockerEngine, deployment: Deployment) -> str:
    return engine.ensure_network(deployment.network, deployment.labels())
