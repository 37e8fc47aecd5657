"""The network made ahead: chosen again when its subnet is taken, and never made after its run has ended."""

import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from app.deployments.models import NetworkSubnet
from deploy_runner.errors import SubnetTakenError
from deploy_runner.plan import Labels, NetworkPlan
from tests.fakes.engine import FakeEngine
from tests.workers.conftest import Job
from workers.runtime import Runtime

Accept = Callable[..., Job]


class TakenOnce(FakeEngine):
    """Says of the first subnet that something else uses it."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []

    def ensure_network(self, network: NetworkPlan, labels: Labels) -> str:
        if not self.refused:
            self.refused.append(network.subnet)
            raise SubnetTakenError(network.subnet)
        return super().ensure_network(network, labels)

    def list_subnets(self) -> list[str]:
        return [*super().list_subnets(), *self.refused]


class SlowNetwork(FakeEngine):
    """Makes a network only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let = threading.Event(), threading.Event()

    def ensure_network(self, network: NetworkPlan, labels: Labels) -> str:
        self.asked.set()
        self.let.wait(10)
        return super().ensure_network(network, labels)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Iterator[FakeEngine]:
    made: FakeEngine = request.param()
    yield made
    made.close()


def find_subnet(job: Job) -> str | None:
    statement = select(NetworkSubnet.cidr).where(NetworkSubnet.deployment_id == job.deployment_id)
    with job.runtime.platform.database.session() as session:
        return session.execute(statement).scalar_one_or_none()


@pytest.mark.parametrize("engine", [TakenOnce], indirect=True)
def test_a_taken_subnet_is_chosen_again(accept: Accept, engine: TakenOnce) -> None:
    job = accept()
    job.run()
    assert job.deployment().status == "running"
    assert find_subnet(job) in engine.subnets.values()
    assert find_subnet(job) not in engine.refused


@pytest.mark.parametrize("engine", [SlowNetwork], indirect=True)
def test_a_failed_run_ends_only_when_its_network_is_made(
    accept: Accept, engine: SlowNetwork, runtime: Runtime
) -> None:
    job = accept(requiredEnv=["NEVER_SET"])
    run = threading.Thread(target=job.run)
    run.start()
    assert engine.asked.wait(10)
    assert job.operation().finished_at is None
    engine.let.set()
    run.join(10)
    assert (job.deployment().status, len(engine.networks)) == ("failed", 1)
