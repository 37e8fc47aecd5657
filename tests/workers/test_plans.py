"""From a deployment's rows to what the engine is asked for."""

from collections.abc import Callable
from typing import Any

import pytest

from app.deployments.env import EnvRow
from app.deployments.models import EnvKind
from app.deployments.rollout import get_parties, snapshot_template
from deploy_runner.errors import StepError
from deploy_runner.plan import DeploymentPlan, GitBuild, Labels, RegistryImage, Role
from tests.workers.conftest import Job
from workers.workflows.plans import build_plan

Accept = Callable[..., Job]
IMAGE = "registry.example.com/acme/tool:1.0.0"
SERVICES = [
    {
        "name": "web",
        "role": "web",
        "image": IMAGE,
        "port": 3000,
        "startCommand": 'serve --title "two words"',
        "volumes": [{"mountPath": "/data", "sizeGB": 2}],
        "resources": {"cpus": 0.5, "memoryMB": 256},
        "healthcheckTimeout": 42,
    },
    {"name": "jobs", "role": "worker", "image": IMAGE},
    {"name": "migrate", "role": "init", "image": IMAGE, "healthcheckTimeout": 90},
]
READINESS = {"healthPath": "/up", "maxRetries": 5, "retryIntervalSec": 2, "expectedBootTimeSec": 3}


def plan_of(job: Job, *rows: EnvRow) -> DeploymentPlan:
    labels = Labels("install", job.deployment_id.hex, "op", 1, 1, "tenant")
    with job.runtime.platform.database.transaction() as session:
        parties = get_parties(session, job.operation().id)
        snapshot_template(session, parties)
        addresses = ("10.200.0.0/28", {"web": 20_001})
        return build_plan(job.runtime.platform.settings, parties, labels, list(rows), addresses)


@pytest.fixture
def planned(accept: Accept) -> DeploymentPlan:
    rows = [
        EnvRow("KEY", "user", EnvKind.USER),
        EnvRow("KEY", "literal", EnvKind.SYSTEM, "web"),
        EnvRow("ONLY_JOBS", "yes", EnvKind.SYSTEM, "jobs"),
        EnvRow("PORT", "1", EnvKind.USER),
    ]
    return plan_of(accept(services=SERVICES, readiness=READINESS), *rows)


def test_services_stand_in_start_order(planned: DeploymentPlan) -> None:
    assert [service.name for service in planned.services] == ["migrate", "web", "jobs"]
    assert (planned.network.subnet, planned.services[1].host_port) == ("10.200.0.0/28", 20_001)


def test_a_service_is_as_its_manifest_says(planned: DeploymentPlan) -> None:
    web = planned.services[1]
    assert (web.image, web.port) == (RegistryImage(IMAGE), 3000)
    assert web.command == ("serve", "--title", "two words")
    assert (web.cpus, web.memory_mb, web.health_path) == (0.5, 256, "/up")
    assert [(volume.mount_path, volume.size_gb) for volume in web.volumes] == [("/data", 2)]
    assert (web.budget.max_retries, web.budget.interval_seconds, web.budget.total_seconds) == (5, 2, 42)
    assert web.budget.expected_boot_seconds == 3


def test_what_a_service_leaves_out_is_the_operators_default(planned: DeploymentPlan) -> None:
    migrate, _, jobs = planned.services
    assert (jobs.cpus, jobs.memory_mb, jobs.health_path, jobs.host_port) == (1.0, 512, None, None)
    assert (migrate.role, migrate.run_limit_seconds) == (Role.INIT, 90)


def test_each_service_gets_its_own_variables_and_its_port(planned: DeploymentPlan) -> None:
    _, web, jobs = planned.services
    assert (web.env["KEY"], web.env["PORT"]) == ("user", "3000")
    assert (jobs.env["ONLY_JOBS"], jobs.env["PORT"]) == ("yes", "8080")
    assert "ONLY_JOBS" not in web.env


def test_a_service_without_image_is_built_from_the_repository(accept: Accept) -> None:
    source: dict[str, Any] = {"repo": "https://git.example.com/acme/tool", "ref": "a" * 40, "context": "app"}
    job = accept(services=[{"name": "web", "role": "web"}], source=source)
    image = plan_of(job).services[0].image
    assert isinstance(image, GitBuild)
    assert (image.repo, image.ref, image.context) == (source["repo"], source["ref"], "app")
    assert (image.dockerfile, image.node_version) == ("Dockerfile", "20")


def test_an_artifact_that_is_not_in_the_store_is_named(accept: Accept) -> None:
    job = accept(services=[{"name": "web", "role": "web", "buildArtifact": "acme/absent.tar.gz"}])
    with pytest.raises(StepError, match=r"acme/absent\.tar\.gz is not in the artifact store") as caught:
        plan_of(job)
    assert (caught.value.permanent, caught.value.service) == (True, "web")
