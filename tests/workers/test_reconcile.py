"""After the engine was away, what should run is started again."""

from collections.abc import Callable

import pytest

from deploy_runner.engines.base import ContainerStatus
from tests.fakes.engine import FakeEngine
from tests.workers.conftest import Job
from workers.reconcile import start_stopped_containers
from workers.runtime import Runtime

Accept = Callable[..., Job]


@pytest.fixture
def container(accept: Accept, engine: FakeEngine) -> str:
    job = accept()
    job.run()
    assert job.deployment().status == "running", job.deployment().error_message
    (name,) = engine.states
    return name


def test_a_container_that_the_engine_stopped_is_started(
    container: str, engine: FakeEngine, runtime: Runtime
) -> None:
    engine.set_state(container, state=ContainerStatus.EXITED, exit_code=137)
    assert start_stopped_containers(runtime) == 1
    assert engine.states[container].state == ContainerStatus.RUNNING
    assert start_stopped_containers(runtime) == 0


def test_one_that_used_up_its_restarts_is_left_to_be_looked_at(
    container: str, engine: FakeEngine, runtime: Runtime
) -> None:
    engine.set_state(container, state=ContainerStatus.EXITED, exit_code=1, exhausted=True)
    assert start_stopped_containers(runtime) == 0


def test_a_deployment_that_an_operation_works_on_is_not_touched(
    accept: Accept, engine: FakeEngine, runtime: Runtime
) -> None:
    job = accept()
    engine.troubles["ensure_image"] = [OSError("broke")]
    job.run()
    assert job.operation().finished_at is None
    assert start_stopped_containers(runtime) == 0
    assert engine.calls["start"] == 0
