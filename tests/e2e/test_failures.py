"""Deploys that cannot work: each ends `failed`, its log says why, and nothing is taken away."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.deploy_runner.archives import write_archive
from tests.e2e.manifests import built_web, patience, service, tool, web
from tests.e2e.owner import Deployed, opened_owner
from tests.e2e.stack import Stack
from tests.e2e.witness import Witness

HEALTH = "health_check_failed"


@dataclass(frozen=True)
class Failure:
    """What is deployed, where it ends, what its owner is told, and what its containers had said."""

    make: Callable[[str], dict[str, Any]]
    steps: str
    words: str
    captured: str = "no containers"


def unhealthy(path: str, **changes: Any) -> Callable[[str], dict[str, Any]]:
    return lambda image: tool(web(image, **changes), readiness=patience(2, path))


def crashing(command: str, seconds: int = 2) -> Callable[[str], dict[str, Any]]:
    return lambda image: tool(web(image, startCommand=command), readiness=patience(seconds))


FAILURES = {
    "answers_302": Failure(unhealthy("/cgi-bin/status?302"), HEALTH, "status 302", "web: "),
    "answers_500": Failure(unhealthy("/cgi-bin/status?500"), HEALTH, "status 500", "web: "),
    "hangs": Failure(unhealthy("/cgi-bin/hang"), HEALTH, "no complete answer within", "web: "),
    "listens_elsewhere": Failure(
        unhealthy("/", startCommand="httpd -f -p 8081 -h /www"),
        HEALTH,
        "was not ready within 2 s at /: ",
        "web: ",
    ),
    "ends_at_once": Failure(
        crashing("echo enough"), f"await_compute_done {HEALTH}", "ended at once with exit code 0", "enough"
    ),
    "keeps_crashing": Failure(
        crashing("echo no licence; exit 3", 4), HEALTH, "It ended by itself", "no licence"
    ),
    "init_fails": Failure(
        lambda image: tool(
            web(image), service("setup", "init", image, startCommand="echo no schema; exit 4")
        ),
        "deploy_compute",
        "Init service setup ended with exit code 4",
        "no schema",
    ),
    "image_absent": Failure(
        lambda image: tool(web("127.0.0.1:1/none/absent:1")),
        "deploy_compute",
        "The image 127.0.0.1:1/none/absent:1 could not be pulled: the registry could not be reached",
    ),
    "dockerfile_fails": Failure(
        lambda image: tool(built_web("tests/broken.tar.gz")),
        "deploy_compute",
        'failed at "RUN echo compiling && false"',
    ),
    "artifact_missing": Failure(
        lambda image: tool(built_web("tests/absent.tar.gz")),
        "deploy_compute",
        "The build artifact tests/absent.tar.gz is not in the artifact store",
    ),
    "required_variable_empty": Failure(
        lambda image: tool(web(image), requiredEnv=["API_TOKEN"]),
        "resolve_env",
        "Required variables are empty: API_TOKEN",
    ),
}
NAMES = list(FAILURES)
WITH_CONTAINERS = [name for name in NAMES if FAILURES[name].captured != "no containers"]


@pytest.fixture(scope="module")
def failed(
    stack: Stack, witness: Witness, busybox: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Deployed]]:
    """All of them at once: they mostly wait."""
    folder: Path = tmp_path_factory.mktemp("broken")
    files = {"Dockerfile": f"FROM {busybox}\nRUN echo compiling && false\n"}
    stack.store_artifact("tests/broken.tar.gz", write_archive(folder / "broken.tar.gz", files))
    with opened_owner(stack, witness) as owner:
        yield {name: owner.deploy(stack.publish(failure.make(busybox))) for name, failure in FAILURES.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_deploy_fails_with_words_its_owner_understands(failed: dict[str, Deployed], name: str) -> None:
    wanted, found = FAILURES[name], failed[name].await_status("failed")
    assert found["errorStep"] in wanted.steps.split()
    assert wanted.words in found["errorMessage"]
    errors = failed[name].logs(level="error")
    assert [row["step"] for row in errors] == [found["errorStep"]]
    assert errors[0]["message"] == found["errorMessage"]


@pytest.mark.parametrize("name", NAMES)
def test_the_last_output_of_the_containers_is_in_the_log(failed: dict[str, Deployed], name: str) -> None:
    failed[name].await_status("failed")
    captured = failed[name].messages("collect_app_logs_on_failure")
    assert FAILURES[name].captured in "\n".join(captured)


@pytest.mark.parametrize("name", NAMES)
def test_a_failed_deployment_holds_its_slug(failed: dict[str, Deployed], name: str) -> None:
    found = failed[name].await_status("failed")
    again = failed[name].owner.post_deploy(found["toolSlug"], deploymentSlug=found["deploymentSlug"])
    assert (again.status_code, again.json()["code"]) == (409, "SLUG_TAKEN")


@pytest.mark.parametrize("name", WITH_CONTAINERS)
def test_its_containers_stay_to_be_looked_at(failed: dict[str, Deployed], name: str) -> None:
    failed[name].await_status("failed")
    assert failed[name].containers()


def test_each_attempt_of_the_readiness_budget_has_its_row(failed: dict[str, Deployed]) -> None:
    failed["answers_500"].await_status("failed")
    rows = failed["answers_500"].logs(step="health_attempt_*")
    assert [row["step"] for row in rows] == ["health_attempt_1", "health_attempt_2"]
    assert [row["metadata"]["status"] for row in rows] == [500, 500]


def test_polling_ends_with_the_budget(failed: dict[str, Deployed]) -> None:
    failed["hangs"].await_status("failed")
    at = {row["step"]: datetime.fromisoformat(row["createdAt"]) for row in failed["hangs"].logs()}
    polled = (at[HEALTH] - at["domain_setup"]).total_seconds()
    assert 2.0 <= polled < 4.0


def test_the_page_of_a_failed_tool_says_that_it_does_not_run(failed: dict[str, Deployed]) -> None:
    failed["answers_302"].await_status("failed")
    page = failed["answers_302"].open()
    assert page.status_code == 503
    assert "Retry-After" in page.headers
