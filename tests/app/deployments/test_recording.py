"""One statement records a phase: journal, line and progress together, or nothing when the fence is lost."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.deployments.log_models import DeployLog
from app.deployments.logs import LogOwner
from app.deployments.models import Deployment
from app.deployments.operation_models import OperationKind
from app.deployments.operations import (
    FenceLostError,
    claim_operation,
    enqueue_operation,
    list_phases,
    supersede_active,
)
from app.deployments.recording import FinishedPhase, record_phase
from tests.factories import make_deployment

PHASE = FinishedPhase("resolve_env", {"message": "3 variables"}, 30, 12, "deploy_compute")


@pytest.fixture
def claim(platform, workspace, tool):
    """A held operation of a deployment."""
    deployment_id = make_deployment(platform, workspace, tool)
    with platform.database.transaction() as session:
        deployment = session.get_one(Deployment, deployment_id)
        operation = enqueue_operation(session, deployment, OperationKind.DEPLOY, "1.0.0")
        return claim_operation(session, operation.id, "worker-1", 60)


def record(platform, claim):
    with platform.database.transaction() as session:
        record_phase(session, claim, LogOwner(claim.deployment_id, 1, "deploy"), PHASE)


def read_lines(session, claim):
    statement = select(DeployLog.step, DeployLog.message, DeployLog.progress, DeployLog.duration_ms)
    return [
        tuple(row) for row in session.execute(statement.where(DeployLog.deployment_id == claim.deployment_id))
    ]


def test_a_phase_is_remembered_and_shown_at_once(platform, session, claim):
    record(platform, claim)
    assert list_phases(session, claim.operation_id)["resolve_env"].result == {"message": "3 variables"}
    assert read_lines(session, claim) == [("resolve_env", "3 variables", 30, 12)]
    shown = session.get_one(Deployment, claim.deployment_id)
    assert (shown.progress, shown.current_step) == (30, "deploy_compute")


def test_a_lost_fence_records_nothing(platform, session, claim):
    with platform.database.transaction() as other:
        supersede_active(other, claim.deployment_id)
    with pytest.raises(FenceLostError):
        record(platform, claim)
    assert (list_phases(session, claim.operation_id), read_lines(session, claim)) == ({}, [])


def test_a_phase_is_recorded_once(platform, claim):
    record(platform, claim)
    with pytest.raises(IntegrityError):
        record(platform, claim)
