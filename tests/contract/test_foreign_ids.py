"""The third wall between tenants: every delivered route is walked with ids that belong to somebody else."""

import json
from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.connections.models import Profile
from app.core.platform import Platform
from app.deployments.logs import DeployLine, LogOwner, append_deploy_logs
from app.deployments.models import Deployment
from app.deployments.naming import format_deployment_id
from app.deployments.route_records import write_route
from app.identity.models import TenantMember
from tests.app.deployments.orders import make_connection
from tests.contract.table import Row, delivered_rows, fill
from tests.factories import (
    Workspace,
    make_deployment,
    make_user,
    make_workspace,
    plain_manifest,
    publish_tool,
    settle_operations,
    sign_in,
)

MARK = "hunter2"
# What stands in a path and names a row of a tenant; other parameters name public things.
OWNED = {"id", "update_id", "deployment", "subdomain", "external_id", "provider_slug"}
NOT_FOUND = (404, {"message": "Not found"})

WALKED = [row for row in delivered_rows() if OWNED & set(row.parameters)]
# A label is part of a host name and no secret, an id is.
BY_ID = [row for row in WALKED if "subdomain" not in row.parameters]


@pytest.fixture(scope="module")
def tool(platform: Platform) -> str:
    return publish_tool(platform, plain_manifest())


@pytest.fixture(scope="module")
def victim(app: Flask, platform: Platform) -> Workspace:
    return make_workspace(app, platform)


@pytest.fixture(scope="module")
def deployment_id(platform: Platform, victim: Workspace, tool: str) -> UUID:
    """A running deployment of the victim whose every text carries the mark."""
    body = {"deploymentName": MARK, "userVariables": {"TOKEN": MARK}, "userInput": {"a": MARK}}
    found = make_deployment(platform, victim, tool, deploymentSlug=MARK, **body)
    with platform.database.transaction() as session:
        append_deploy_logs(session, LogOwner(found, 1, "deploy"), [DeployLine("step", MARK)])
        write_route(session, session.get_one(Deployment, found), "127.0.0.1:9", "running")
    return found


@pytest.fixture
def strangers(app: Flask, platform: Platform, victim: Workspace) -> dict[str, FlaskClient]:
    """Everybody who is signed in and does not own the victim's workspace."""
    callers = {
        "owner of another": make_workspace(app, platform).client,
        "admin": make_workspace(app, platform, is_admin=True).client,
        "nobody": sign_in(app, platform, make_user(platform)),
    }
    for role in ("member", "viewer"):
        user = make_user(platform)
        with platform.database.transaction() as session:
            session.add(TenantMember(tenant_id=victim.tenant_id, user_id=user.id, role=role))
        callers[role] = sign_in(app, platform, user)
    return callers


@pytest.fixture
def addresses(deployment_id: UUID, victim: Workspace) -> Callable[[Row], list[str]]:
    """The row's path with the victim's ids in every form."""
    forms = [str(deployment_id), format_deployment_id(deployment_id), str(deployment_id).upper()]

    def run(row: Row) -> list[str]:
        if row.path.startswith("/d/"):
            return [f"/d/{victim.slug}-{MARK}/"]
        assert row.path.startswith("/api/deployments/<id>"), f"say whose ids {row.path} takes"
        return [fill(row.path, [form] * len(row.parameters)) for form in forms]

    return run


@pytest.mark.parametrize("row", WALKED, ids=lambda row: row.name)
def test_nobody_reaches_anothers_row(strangers, addresses, row):
    method = "GET" if row.method == "ANY" else row.method
    for who, client in strangers.items():
        for path in addresses(row):
            answer = client.open(path, method=method, json=None if method == "GET" else {})
            assert MARK not in answer.text.replace(path, ""), (who, path)
            if row.path.startswith("/d/"):
                assert answer.status_code in {302, 401, 403}, (who, path, answer.status_code)
            else:
                assert (answer.status_code, answer.json) == NOT_FOUND, (who, path)


@pytest.mark.parametrize("row", BY_ID, ids=lambda row: row.name)
def test_a_foreign_id_answers_like_an_unknown_one(strangers, addresses, row):
    client, unknown = strangers["owner of another"], fill(row.path, ["dpl_" + "0" * 32] * len(row.parameters))
    body = None if row.method == "GET" else {}
    answers = [client.open(path, method=row.method, json=body) for path in (addresses(row)[0], unknown)]
    assert answers[0].data == answers[1].data


def test_nothing_happened_to_the_victim(platform, deployment_id, strangers, addresses):
    for row in WALKED:
        for client in strangers.values():
            client.open(addresses(row)[0], method="GET" if row.method == "ANY" else row.method)
    with platform.database.transaction() as session:
        row = session.get_one(Deployment, deployment_id)
    assert (row.status, row.deployment_name, row.deployment_slug) == ("running", MARK, MARK)


def test_lists_show_ones_own_only(strangers, deployment_id):
    for client in strangers.values():
        for query in ("", "?includeDestroyed=1", "?status=running", "?limit=200"):
            assert client.get(f"/api/deployments{query}").json["deployments"] == []


def test_nobody_deploys_into_anothers_workspace(strangers, victim, tool):
    order = {"toolSlug": tool, "tenantSlug": victim.slug}
    for who, client in strangers.items():
        answer = client.post("/api/deploy", json=order)
        assert (answer.status_code, answer.json["message"]) == (403, "Tenant not found or not authorized"), (
            who
        )


def test_nobody_binds_anothers_connection(app, platform, victim, tool):
    stranger = make_workspace(app, platform)
    for provider, profile in [("notion", Profile.OAUTH_APP_INSTALL), ("telegram", Profile.BYOK_STATIC)]:
        foreign = make_connection(platform, victim.tenant_id, provider, profile)
        order = {"toolSlug": tool, "tenantSlug": stranger.slug, "selectedBindings": {provider: str(foreign)}}
        answer = stranger.client.post("/api/deploy", json=order)
        assert (answer.status_code, answer.json["code"]) == (404, "CONNECTION_NOT_FOUND")


def test_anothers_key_replays_nothing(app, platform, victim, tool):
    stranger, headers = make_workspace(app, platform), {"Idempotency-Key": "launch-1"}
    answers = []
    for owner in (victim, stranger):
        order = {"toolSlug": tool, "tenantSlug": owner.slug, "deploymentSlug": "keyed"}
        answers.append(owner.client.post("/api/deploy", json=order, headers=headers))
    settle_operations(platform)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json != answers[1].json


def test_an_account_shows_its_own_person_and_workspace(strangers, victim):
    for path in ("/api/user/me", "/api/tenants/me", "/api/auth/me"):
        for client in strangers.values():
            text = client.get(path).text
            assert victim.email not in text
            assert str(victim.tenant_id) not in json.dumps(text)
