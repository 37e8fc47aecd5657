"""Simultaneous requests from real threads: the database is the referee."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.connections.models import App, Connection, Profile
from app.deployments.models import Deployment
from app.deployments.operation_models import Operation
from app.deployments.routes import DEPLOY_ROUTE
from tests.app.deployments.orders import client_of, make_connection, run_sql
from tests.factories import unique


def at_once(calls: list[Callable[[], TestResponse]]) -> list[TestResponse]:
    """Every call from a thread of its own, started together."""
    answers: list[TestResponse] = []
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], TestResponse]) -> None:
        start.wait()
        answers.append(call())

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


@pytest.fixture
def caller(app, tool):
    """A call to deploy, ready to be made from another thread."""

    def make(workspace, key=None, **body) -> Callable[[], TestResponse]:
        client = client_of(app, workspace)
        order = {"toolSlug": tool, "tenantSlug": workspace.slug, **body}
        headers = {"Idempotency-Key": key} if key else {}
        return lambda: client.post(DEPLOY_ROUTE, json=order, headers=headers)

    return make


def outcomes(answers) -> Counter:
    return Counter((answer.status_code, answer.json.get("code")) for answer in answers)


def count(platform, model, workspace) -> int:
    with platform.database.transaction() as session:
        statement = select(func.count()).select_from(model)
        if model is Operation:
            owned = select(Deployment.id).where(Deployment.tenant_id == workspace.tenant_id)
            return session.scalar(statement.where(Operation.deployment_id.in_(owned))) or 0
        return session.scalar(statement.where(model.tenant_id == workspace.tenant_id)) or 0


@pytest.mark.parametrize("callers", [2, 20])
def test_one_of_many_gets_the_slug(platform, workspace, caller, callers):
    answers = at_once([caller(workspace, deploymentSlug="crm") for _ in range(callers)])
    assert outcomes(answers) == {(201, None): 1, (409, "SLUG_TAKEN"): callers - 1}
    for model in (Deployment, App, Operation):
        assert count(platform, model, workspace) == 1


def test_one_of_two_tenants_gets_the_label(platform, workspace, other, caller):
    stem = unique("t")
    for owner, slug in [(workspace, f"{stem}-corp"), (other, stem)]:
        run_sql(platform, "UPDATE tenants SET slug = :slug WHERE id = :id", slug=slug, id=owner.tenant_id)
        object.__setattr__(owner, "slug", slug)
    sides = [(workspace, "crm"), (other, "corp-crm")] * 5
    calls = [caller(owner, deploymentSlug=slug) for owner, slug in sides]
    assert outcomes(at_once(calls)) == {(201, None): 1, (409, "SLUG_TAKEN"): 4, (409, "SUBDOMAIN_TAKEN"): 5}


def test_one_key_makes_one_deployment(platform, workspace, caller):
    answers = at_once([caller(workspace, "launch-1", deploymentSlug="crm") for _ in range(20)])
    assert outcomes(answers) == {(201, None): 20}
    assert len({answer.data for answer in answers}) == 1
    assert Counter(answer.headers.get("Idempotency-Replayed") for answer in answers) == {None: 1, "true": 19}
    for model in (Deployment, App, Operation):
        assert count(platform, model, workspace) == 1


def test_one_key_with_two_bodies_has_one_winner(platform, workspace, caller):
    calls = [caller(workspace, "launch-1", deploymentSlug=slug) for slug in ["crm", "erp"] * 5]
    answers = at_once(calls)
    assert outcomes(answers) == {(201, None): 5, (409, "idempotency_conflict"): 5}
    assert count(platform, Deployment, workspace) == 1


def test_different_slugs_do_not_disturb_each_other(platform, workspace, caller):
    calls = [caller(workspace, deploymentSlug=f"app-{number}", bindings=["openai"]) for number in range(10)]
    assert outcomes(at_once(calls)) == {(201, None): 10}
    assert count(platform, Deployment, workspace) == 10
    assert count(platform, Connection, workspace) == 1


def test_one_of_many_gets_an_exclusive_connection(platform, workspace, caller):
    bot = make_connection(platform, workspace.tenant_id, "telegram", Profile.BYOK_STATIC)
    chosen = {"selectedBindings": {"telegram": str(bot)}}
    answers = at_once([caller(workspace, deploymentSlug=f"app-{number}", **chosen) for number in range(8)])
    assert outcomes(answers) == {(201, None): 1, (409, "CONNECTION_IN_USE"): 7}
    winner = select(Deployment.deployment_slug).where(Deployment.tenant_id == workspace.tenant_id)
    with platform.database.transaction() as session:
        slug = session.scalars(winner).one()
    holders = {answer.json["bound_to"]["deployment_slug"] for answer in answers if answer.status_code == 409}
    assert holders == {slug}


def test_a_tenant_of_its_own_never_waits_for_another(platform, workspace, other, caller):
    calls = [caller(owner, "launch-1", deploymentSlug="crm") for owner in [workspace, other] * 4]
    answers = at_once(calls)
    assert outcomes(answers) == {(201, None): 8}
    assert len({answer.data for answer in answers}) == 2
