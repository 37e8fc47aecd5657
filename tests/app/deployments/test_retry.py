"""Retry: from `failed` only, once at a time, on a release that may have been mended (lifecycle.md 4)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.billing.models import Wallet
from app.catalog.models import Tool
from app.core.clock import utc_now
from app.core.platform import Platform
from app.deployments.models import Deployment, DeploymentStatus
from app.deployments.naming import parse_deployment_id
from app.deployments.operation_models import Operation
from tests.factories import (
    Workspace,
    make_user,
    plain_manifest,
    publish_tool,
    settle_operations,
    sign_in,
)


@pytest.fixture
def failed(workspace: Workspace, platform: Platform, tool: str) -> str:
    """The id of a deployment whose first deploy has failed."""
    body = {"toolSlug": tool, "tenantSlug": workspace.slug}
    deployment_id: str = workspace.client.post("/api/deploy", json=body).json["deploymentId"]
    settle_operations(platform)
    change(platform, deployment_id, status=DeploymentStatus.FAILED, error_step="deploy_compute", progress=30)
    return deployment_id


def change(platform: Platform, deployment_id: str, **values: object) -> None:
    with platform.database.transaction() as session:
        statement = update(Deployment).where(Deployment.id == parse_deployment_id(deployment_id))
        session.execute(statement.values(**values))


def retry(workspace: Workspace, deployment_id: str) -> TestResponse:
    return workspace.client.post(f"/api/deployments/{deployment_id}/retry")


def test_a_failed_deployment_is_queued_once_more(workspace: Workspace, failed: str) -> None:
    answer = retry(workspace, failed)
    assert answer.status_code == 202
    assert answer.json == {"ok": True, "deploymentId": failed, "status": "deploying"}
    shown = workspace.client.get(f"/api/deployments/{failed}").json["deployment"]
    assert (shown["status"], shown["attempt"], shown["progress"]) == ("deploying", 2, 0)
    assert shown["errorStep"] is None


@pytest.mark.parametrize("status", [status for status in DeploymentStatus if status != "failed"])
def test_any_other_status_is_refused(
    workspace: Workspace, platform: Platform, failed: str, status: DeploymentStatus
) -> None:
    change(platform, failed, status=status)
    answer = retry(workspace, failed)
    assert answer.status_code == 409
    assert answer.json["code"] == "INVALID_STATE"
    assert (answer.json["status"], answer.json["allowedFrom"]) == (status, ["failed"])


def test_two_retries_at_once_have_one_winner(app: Flask, workspace: Workspace, failed: str) -> None:
    cookie = workspace.client.get_cookie("berth_session")

    def race(_: int) -> int:
        client = app.test_client()
        client.set_cookie("berth_session", cookie.value)
        return client.post(f"/api/deployments/{failed}/retry").status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(race, range(8))) == [202] + [409] * 7


def test_an_empty_wallet_is_refused(workspace: Workspace, platform: Platform, failed: str) -> None:
    with platform.database.transaction() as session:
        session.execute(update(Wallet).where(Wallet.tenant_id == workspace.tenant_id).values(balance_usd=0))
    answer = retry(workspace, failed)
    assert (answer.status_code, answer.json["code"]) == (402, "INSUFFICIENT_CREDITS")


@pytest.mark.parametrize(("was_ready", "version"), [(False, "1.0.1"), (True, "1.0.0")])
def test_only_one_that_was_never_ready_takes_a_newer_release(
    workspace: Workspace, platform: Platform, failed: str, tool: str, was_ready: bool, version: str
) -> None:
    ready_at = utc_now() if was_ready else None
    change(platform, failed, bundle_version="1.0.0", ready_at=ready_at)
    slug = publish_tool(platform, plain_manifest())
    with platform.database.transaction() as session:
        deployment = session.get_one(Deployment, parse_deployment_id(failed))
        deployment.tool_id = session.execute(select(Tool.id).where(Tool.slug == slug)).scalar_one()
    publish_tool(platform, plain_manifest(slug=slug, version="1.0.1"))
    assert retry(workspace, failed).status_code == 202
    assert target_version(platform, failed) == version


def target_version(platform: Platform, deployment_id: str) -> str | None:
    statement = select(Operation.target_version).where(
        Operation.deployment_id == parse_deployment_id(deployment_id), Operation.finished_at.is_(None)
    )
    with platform.database.transaction() as session:
        return session.execute(statement).scalar_one()


def test_somebody_else_gets_not_found(app: Flask, platform: Platform, failed: str) -> None:
    stranger = sign_in(app, platform, make_user(platform))
    assert stranger.post(f"/api/deployments/{failed}/retry").status_code == 404
