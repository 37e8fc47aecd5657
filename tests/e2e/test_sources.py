"""Where a tool's image may come from."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.catalog.source_pin import resolve_commit
from tests.deploy_runner.archives import write_archive
from tests.e2e.manifests import built_web, patience, tool, web
from tests.e2e.owner import Owner
from tests.e2e.stack import Stack
from tests.git_origin import Origin, serve_origin
from tests.tls import make_certificate

DOCKERFILE = """\
FROM {image}
RUN echo "line one of the build" && echo "line two of the build" >&2
RUN echo built by berth > /www/index.html
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
"""


def test_an_image_that_is_present_runs_without_a_registry(owner: Owner, busybox: str) -> None:
    deployed = owner.deploy(owner.stack.publish(tool(web(busybox))))
    found = deployed.await_status("running")
    assert deployed.open().text == "hello\n"
    assert (found["progress"], found["healthStatus"], found["errorStep"]) == (100, "healthy", None)
    assert found["services"][0]["image"] == busybox


def test_every_phase_leaves_its_row_in_order(owner: Owner, busybox: str) -> None:
    deployed = owner.deploy(owner.stack.publish(tool(web(busybox))))
    deployed.await_status("running")
    phases = [(row["step"], row["progress"]) for row in deployed.logs() if row["durationMs"] is not None]
    assert phases == [
        ("validate_template", 5),
        ("collect_secrets", 10),
        ("provision_r2", 15),
        ("provision_databases", 25),
        ("resolve_env", 30),
        ("deploy_compute", 50),
        ("await_compute_done", 60),
        ("domain_setup", 65),
        ("health_check_done", 80),
        ("bootstrap_admin", 85),
        ("seed_app_credentials", 88),
        ("sync_proxy_keys", 92),
        ("await_domain_ready_done", 96),
        ("provision_bundle", 100),
    ]
    assert deployed.messages("provision_r2") == deployed.messages("bootstrap_admin") == ["skipped"]


def test_a_dockerfile_is_built_and_its_output_is_in_the_log(
    owner: Owner, busybox: str, tmp_path: Path
) -> None:
    archive = write_archive(tmp_path / "a.tar.gz", {"Dockerfile": DOCKERFILE.format(image=busybox)})
    key = owner.stack.store_artifact("tests/built.tar.gz", archive)
    deployed = owner.deploy(owner.stack.publish(tool(built_web(key))))
    deployed.await_status("running")
    assert deployed.open().text == "built by berth\n"
    said = deployed.messages("deploy_compute")
    assert "line one of the build" in said
    assert "line two of the build" in said


@pytest.mark.usefixtures("base")
def test_an_artifact_without_dockerfile_is_served_as_a_site(owner: Owner, tmp_path: Path) -> None:
    files = {"index.html": "<h1>site</h1>", "docs/guide.txt": "read me"}
    key = owner.stack.store_artifact("tests/site.tar.gz", write_archive(tmp_path / "s.tar.gz", files))
    deployed = owner.deploy(owner.stack.publish(tool(built_web(key), readiness=patience(30))))
    deployed.await_status("running")
    assert deployed.open().text == "<h1>site</h1>"
    assert deployed.open("docs/guide.txt").text == "read me"
    assert deployed.open("absent").status_code == 404


@pytest.fixture
def origin(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Origin]:
    """A repository over HTTPS, under a certificate that the stack's workers were told to trust."""
    trusted = Path(stack.environment["SSL_CERT_FILE"])
    key = make_certificate("127.0.0.1", trusted)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with serve_origin(tmp_path / "origin.git", context) as served:
        yield served


def test_a_repository_is_built_at_the_commit_that_was_published(
    owner: Owner, busybox: str, origin: Origin
) -> None:
    dockerfile = DOCKERFILE.format(image=busybox).replace("built by berth", "built from git")
    pinned = origin.commit({"Dockerfile": dockerfile})
    document = tool({"name": "web", "role": "web"}, source={"repo": origin.url, "ref": "main"})
    slug = owner.stack.publish(document, resolve_commit(origin.url, "main"))
    origin.commit({"Dockerfile": "FROM nothing-of-the-kind\n"})
    deployed = owner.deploy(slug)
    deployed.await_status("running")
    assert deployed.open().text == "built from git\n"
    assert pinned[:12] in deployed.container()["Config"]["Labels"]["berth.image"]
