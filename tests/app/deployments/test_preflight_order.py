"""deploy.md 1.1: the first failing check answers. Every pair of checks is broken at once."""

from collections.abc import Callable
from itertools import combinations
from typing import Any
from uuid import uuid4

import pytest
from werkzeug.test import TestResponse

from app.catalog.publishing import CatalogFlags
from tests.app.deployments.orders import Break, Order, app_with, client_of, make_connection, new_ip, run_sql
from tests.factories import make_workspace, plain_manifest, post_deploy, publish_tool, unique

MANIFEST: dict[str, Any] = {
    "integrations": [{"provider": "notion"}, {"provider": "telegram", "optional": True}],
    "userInputs": [
        {"key": "COLOUR", "inputType": "select", "options": [{"label": "Red", "value": "red"}]},
    ],
}


@pytest.fixture(scope="module")
def tools(app, platform, tool) -> dict[str, str]:
    """The same manifest four times, three of them not deployable by everybody, and a plain one."""
    owner = make_workspace(app, platform)
    owned = CatalogFlags(is_internal=True, owner_tenant_id=owner.tenant_id)
    npm = publish_tool(platform, plain_manifest(**MANIFEST))
    run_sql(platform, "UPDATE apps_catalog SET tool_type = 'npm' WHERE slug = :slug", slug=npm)
    return {
        "good": publish_tool(platform, plain_manifest(**MANIFEST)),
        "npm": npm,
        "disabled": publish_tool(platform, plain_manifest(**MANIFEST), CatalogFlags(enabled=False)),
        "owned": publish_tool(platform, plain_manifest(**MANIFEST), owned),
        "plain": tool,
    }


@pytest.fixture(scope="module")
def limited(app):
    with app_with(app, deploy_limit="1 per hour") as limited_app:
        yield limited_app


@pytest.fixture
def order(limited, platform, workspace, tools) -> Order:
    notion = make_connection(platform, workspace.tenant_id, "notion")
    body = {
        "toolSlug": tools["good"],
        "tenantSlug": workspace.slug,
        "deploymentSlug": unique("app"),
        "selectedBindings": {"notion": str(notion)},
    }
    return Order(platform, workspace, client_of(limited, workspace), body, ip=new_ip(), tools=tools)


def sign_out(order: Order) -> None:
    order.client = order.client.application.test_client()


def come_from_elsewhere(order: Order) -> None:
    order.headers["Origin"] = "https://evil.example"


def exhaust_limit(order: Order) -> None:
    spent = client_of(order.client.application, order.workspace)
    spent.post("/api/deploy", data="", environ_base={"REMOTE_ADDR": order.ip})


def set_body(**changes: Any) -> Break:
    def run(order: Order) -> None:
        order.body.update(changes)

    return run


def set_column(table: str, column: str, value: str) -> Break:
    def run(order: Order) -> None:
        key = "id" if table == "tenants" else "tenant_id"
        statement = f"UPDATE {table} SET {column} = {value} WHERE {key} = :tenant"
        run_sql(order.platform, statement, tenant=order.workspace.tenant_id)

    return run


def use_bad_key(order: Order) -> None:
    order.headers["Idempotency-Key"] = "two words"


def forget_billing(order: Order) -> None:
    run_sql(order.platform, "DELETE FROM stripe_customers WHERE tenant_id = :t", t=order.workspace.tenant_id)


def use_tool(name: str) -> Break:
    def run(order: Order) -> None:
        order.body["toolSlug"] = order.tools[name]

    return run


def take_slug(order: Order) -> None:
    """Let the same workspace have a live deployment under the slug."""
    order.body["deploymentSlug"] = "taken"
    assert post_deploy(order.workspace, order.tools["plain"], deploymentSlug="taken").status_code == 201


def select_unknown_connection(order: Order) -> None:
    order.body.setdefault("selectedBindings", {})["telegram"] = str(uuid4())


def drop_required(order: Order) -> None:
    order.body["selectedBindings"].pop("notion")


def says(status: int, **expected: Any) -> Callable[[TestResponse], bool]:
    def check(answer: TestResponse) -> bool:
        body = answer.json or {}
        return answer.status_code == status and expected.items() <= body.items()

    return check


def blames(field: str) -> Callable[[TestResponse], bool]:
    def check(answer: TestResponse) -> bool:
        return answer.status_code == 400 and list((answer.json or {}).get("errors", {})) == [field]

    return check


# In the order of deploy.md 1.1.
CHECKS: list[tuple[str, int, Break, Callable[[TestResponse], bool]]] = [
    ("session", 1, sign_out, says(401, message="Unauthorized")),
    ("origin", 2, come_from_elsewhere, says(403, message="Origin not allowed")),
    ("limit", 3, exhaust_limit, says(429, message="Rate limit exceeded")),
    ("body", 4, set_body(bindings="openrouter"), blames("bindings")),
    ("tenant", 5, set_body(tenantSlug="nobody"), says(403, message="Tenant not found or not authorized")),
    ("key", 6, use_bad_key, says(400, message="Invalid Idempotency-Key")),
    ("slug chosen", 7, set_column("tenants", "slug_chosen", "false"), says(400, code="SLUG_REQUIRED")),
    ("billing", 8, forget_billing, says(402, code="BILLING_NOT_SETUP")),
    ("credits", 8, set_column("wallets", "balance_usd", "0"), says(402, code="INSUFFICIENT_CREDITS")),
    ("tool", 9, set_body(toolSlug="no-such-tool"), says(404, message="Tool not found")),
    ("foreign tool", 9, use_tool("owned"), says(404, message="Tool not found")),
    ("tool type", 9, use_tool("npm"), says(400, code="TOOL_NOT_DEPLOYABLE")),
    ("release", 9, use_tool("disabled"), says(403, error="tool_unreleased")),
    ("slug", 10, set_body(deploymentSlug="Not--Good"), says(400, code="INVALID_SLUG")),
    ("length", 10, set_body(deploymentSlug="x" * 63), says(400, code="SUBDOMAIN_TOO_LONG")),
    ("reserved", 10, set_body(deploymentSlug="my-proxy"), says(400, code="SUBDOMAIN_RESERVED")),
    ("taken", 10, take_slug, says(409, code="SLUG_TAKEN")),
    ("wizard", 11, set_body(userVariables={"COLOUR": "mauve"}), blames("userVariables")),
    ("provider", 12, set_body(bindings=["nope"]), says(400, code="UNKNOWN_BINDING")),
    ("connection", 13, select_unknown_connection, says(404, code="CONNECTION_NOT_FOUND")),
    ("required", 14, drop_required, says(400, code="MISSING_BINDING")),
    ("inline", 15, set_body(pendingBindings={"slack": {}}), says(400, error="no_inline_connect")),
]
# Checks of one step that set the same field cannot both be broken, except billing's two.
PAIRS = [
    (first, second)
    for first, second in combinations(CHECKS, 2)
    if first[1] != second[1] or first[0] == "billing"
]


def test_the_order_is_right_before_it_is_broken(order):
    assert order.send().status_code == 201


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check[0])
def test_each_check_answers_alone(order, check):
    _, _, break_it, is_answer = check
    break_it(order)
    answer = order.send()
    assert is_answer(answer), (answer.status_code, answer.text)


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=lambda check: check[0])
def test_the_earlier_check_answers(order, first, second):
    # The later one is broken first: "taken" needs a working deploy before billing is taken away.
    second[2](order)
    first[2](order)
    answer = order.send()
    assert first[3](answer), (answer.status_code, answer.text)


def test_an_unusable_slug_is_refused_before_its_length_and_reservation(order):
    for slug, code in [("A" * 63, "INVALID_SLUG"), ("x" * 54 + "-proxy", "SUBDOMAIN_TOO_LONG")]:
        order.body["deploymentSlug"] = slug
        order.ip = new_ip()
        assert order.send().json["code"] == code
