"""deploy.md 1.5: one key, one deployment."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.core.idempotency import RETENTION, Answer, Scope, answer_once, fingerprint
from app.deployments.models import Deployment
from app.deployments.routes import DEPLOY_ROUTE
from stack.ports import wait_until
from tests.app.deployments.orders import app_with, client_of, run_sql
from tests.factories import make_workspace, post_deploy


@pytest.fixture
def order(workspace, tool) -> dict:
    return {"toolSlug": tool, "tenantSlug": workspace.slug, "deploymentSlug": "crm"}


@pytest.fixture
def ask(workspace, order):
    """Deploy under a key, some fields replaced; from any thread."""

    def run(key: str = "launch-1", client=None, **changes):
        body = {**order, **changes}
        return (client or workspace.client).post(DEPLOY_ROUTE, json=body, headers={"Idempotency-Key": key})

    return run


def slugs(platform, workspace) -> list[str]:
    with platform.database.transaction() as session:
        statement = select(Deployment.deployment_slug).where(Deployment.tenant_id == workspace.tenant_id)
        return sorted(session.scalars(statement))


def replayed(answer) -> bool:
    return answer.headers.get("Idempotency-Replayed") == "true"


def test_the_same_request_again_gets_the_same_answer(platform, workspace, ask):
    first, second = ask(), ask()
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data == second.data
    assert (replayed(first), replayed(second)) == (False, True)
    assert "Idempotency-Replayed" not in first.headers
    assert second.content_type == first.content_type
    assert slugs(platform, workspace) == ["crm"]


def test_a_flushed_redis_neither_repeats_nor_loses_the_answer(platform, workspace, ask):
    first = ask()
    platform.redis.flushdb()
    second = ask()
    assert (second.data, replayed(second)) == (first.data, True)
    assert slugs(platform, workspace) == ["crm"]


def test_spelling_does_not_make_another_body(workspace, order, ask):
    first = ask()
    body = "{" + ", ".join(f'"{name}" :  "{order[name]}"' for name in reversed(order)) + " }\n"
    again = workspace.client.post(DEPLOY_ROUTE, data=body, headers={"Idempotency-Key": "launch-1"})
    assert (again.data, replayed(again)) == (first.data, True)


@pytest.mark.parametrize(
    "change",
    [{"deploymentSlug": "erp"}, {"deploymentName": "CRM"}, {"unknown": 1}, {"deploymentSlug": "crm "}],
)
def test_another_body_under_the_key_is_a_conflict(platform, workspace, ask, change):
    ask()
    answer = ask(**change)
    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_conflict")
    assert set(answer.json) == {"message", "code"}
    assert answer.headers["Vendo-Error-Code"] == "idempotency_conflict"
    assert slugs(platform, workspace) == ["crm"]


def test_another_key_is_another_request(ask):
    ask("launch-1")
    answer = ask("launch-2")
    assert (answer.status_code, answer.json["code"]) == (409, "SLUG_TAKEN")


def test_without_a_key_nothing_is_replayed(workspace, tool):
    assert post_deploy(workspace, tool).status_code == 201
    assert post_deploy(workspace, tool).status_code == 409


def test_a_key_counts_per_tenant(platform, workspace, other, ask, tool):
    first = ask()
    elsewhere = post_deploy(other, tool, headers={"Idempotency-Key": "launch-1"}, deploymentSlug="crm")
    assert elsewhere.status_code == 201
    assert not replayed(elsewhere)
    assert elsewhere.json != first.json


@pytest.mark.parametrize("key", ["", " ", "two words", "x" * 256, "é", "a\tb"])
def test_a_key_that_is_not_visible_ascii_is_refused(platform, workspace, ask, key):
    answer = ask(key)
    assert (answer.status_code, answer.json) == (400, {"message": "Invalid Idempotency-Key"})
    assert slugs(platform, workspace) == []


@pytest.mark.parametrize("key", ["x", "x" * 255, "!~{}'\";--", "%00"])
def test_any_visible_key_is_taken(ask, key):
    assert ask(key).status_code == 201
    assert replayed(ask(key))


def test_the_key_is_checked_after_the_tenant(app, platform, workspace, ask):
    stranger = make_workspace(app, platform)
    ask()
    assert ask(client=stranger.client).status_code == 403


def test_a_replay_comes_before_the_gate(platform, workspace, ask):
    first = ask()
    run_sql(platform, "UPDATE wallets SET balance_usd = 0 WHERE tenant_id = :id", id=workspace.tenant_id)
    run_sql(platform, "UPDATE tenants SET slug_chosen = false WHERE id = :id", id=workspace.tenant_id)
    assert ask().data == first.data


def test_a_replay_survives_the_end_of_the_deployment(platform, workspace, ask):
    first = ask()
    run_sql(
        platform, "UPDATE deployments SET status = 'destroyed' WHERE tenant_id = :id", id=workspace.tenant_id
    )
    assert (ask().data, slugs(platform, workspace)) == (first.data, ["crm"])


@pytest.mark.parametrize(
    ("broken", "status"),
    [
        ({"deploymentSlug": "Not--Good"}, 400),
        ({"toolSlug": "no-such-tool"}, 404),
        ({"bindings": ["nope"]}, 400),
        ({"userVariables": {"PORT": "80"}}, 400),
    ],
)
def test_a_refused_request_leaves_the_key_unused(platform, workspace, ask, broken, status):
    assert ask(**broken).status_code == status
    answer = ask()
    assert (answer.status_code, replayed(answer)) == (201, False)
    assert slugs(platform, workspace) == ["crm"]


def test_a_slug_taken_leaves_the_key_unused(platform, workspace, tool, ask):
    post_deploy(workspace, tool, deploymentSlug="crm")
    assert ask().status_code == 409
    assert ask(deploymentSlug="erp").status_code == 201
    assert slugs(platform, workspace) == ["crm", "erp"]


def test_a_key_is_kept_for_a_day(platform, workspace, ask):
    ask()
    aged = "UPDATE idempotency_keys SET created_at = created_at - :age WHERE scope LIKE :scope"
    for age, expected in [(RETENTION - timedelta(minutes=5), True), (timedelta(minutes=6), False)]:
        run_sql(platform, aged, age=age, scope=f"{workspace.tenant_id}:%")
        platform.redis.flushdb()
        answer = ask(**({} if expected else {"deploymentSlug": "erp"}))
        assert (answer.status_code, replayed(answer)) == (201, expected)


def test_a_replay_counts_against_the_limit(app, workspace, order):
    headers = {"Idempotency-Key": "launch-1"}
    peer = {"REMOTE_ADDR": "198.51.100.7"}
    with app_with(app, deploy_limit="2 per hour") as limited:
        client = client_of(limited, workspace)
        answers = [
            client.post(DEPLOY_ROUTE, json=order, headers=headers, environ_base=peer) for _ in range(3)
        ]
    assert [answer.status_code for answer in answers] == [201, 201, 429]


def test_a_first_call_that_runs_on_is_in_progress(platform, workspace, order, ask):
    scope = Scope(workspace.tenant_id, DEPLOY_ROUTE, "launch-1")
    with platform.database.session() as first:
        answer_once(first, platform.cache, scope, fingerprint(order), lambda: Answer(201, "{}"))
        answer = ask()
        first.rollback()
    assert (answer.status_code, answer.json["code"]) == (409, "idempotency_in_progress")
    assert set(answer.json) == {"message", "code"}
    assert answer.headers["Retry-After"] == "1"
    assert ask().status_code == 201


def blocked(platform) -> int:
    """How many requests wait for another one's key."""
    with platform.database.transaction() as session:
        statement = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND query ILIKE '%INTO idempotency_keys%'"
        )
        return int(session.execute(text(statement)).scalar_one())


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_call_waits_for_the_first_and_takes_its_answer(app, platform, workspace, order, ask, is_committed):
    scope = Scope(workspace.tenant_id, DEPLOY_ROUTE, "launch-1")
    body = '{"deploymentId": "dpl_0b9e6f1c2a7d4e58b3c1d2e3f4a5b6c7"}'
    answers = []
    first = platform.database.session()
    answer_once(first, platform.cache, scope, fingerprint(order), lambda: Answer(201, body))
    second = threading.Thread(target=lambda: answers.append(ask(client=client_of(app, workspace))))
    second.start()
    assert wait_until(lambda: blocked(platform) == 1, 4)
    first.commit() if is_committed else first.rollback()
    second.join(10)
    first.close()
    assert answers[0].status_code == 201
    assert replayed(answers[0]) is is_committed
    assert (answers[0].text == body) is is_committed
    assert slugs(platform, workspace) == ([] if is_committed else ["crm"])
