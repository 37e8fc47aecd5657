import dataclasses
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.config import Settings
from app.core.platform import Platform
from app.core.slugs import RESERVED_SLUGS
from app.factory import create_app
from app.identity.models import Tenant
from tests.app.identity.accounts import Account, make_account, refusal
from tests.factories import unique

INVALID = (400, {"message": "Invalid name or slug"})
BAD_SLUGS = [
    "-ab",
    "ab-",
    "A B",
    "a",
    "x" * 21,
    "",
    "Harbor",
    "har_bor",
    "harbör",
    "harbor\n",
    "har\u0000bor",
]


def create(client: FlaskClient, **fields: object) -> TestResponse:
    return client.post("/api/tenants", json={"name": "Harbor Works", "slug": unique("t"), **fields})


def reserved(slug: str) -> tuple[int, Any]:
    message = f'"{slug}" is reserved by Vendo. Pick a different workspace URL.'
    return 400, {"message": message, "code": "SLUG_RESERVED"}


def test_workspace_is_created_whole(account: Account) -> None:
    slug = unique("t")
    answer = create(account.client, name="  Harbor Works ", slug=slug)
    row = answer.json
    assert answer.status_code == 201
    assert list(row) == [
        "id", "name", "slug", "ownerId", "isPersonal", "referralCode", "slugChosen", "logoUrl", "createdAt",
        "updatedAt",
    ]  # fmt: skip
    assert (row["name"], row["slug"], row["ownerId"]) == ("Harbor Works", slug, account.user_id)
    assert (row["isPersonal"], row["slugChosen"], row["logoUrl"]) == (False, False, None)
    assert re.fullmatch(r"[A-Z0-9]{6}", row["referralCode"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", row["createdAt"])
    assert account.client.get("/api/tenants/me").json == row


def test_personal_workspace_says_so(account: Account) -> None:
    assert create(account.client, isPersonal=True).json["isPersonal"] is True


@pytest.mark.parametrize("slug", [*BAD_SLUGS, 7, None])
def test_slug_outside_the_rule_is_refused(account: Account, slug: object) -> None:
    assert refusal(create(account.client, slug=slug)) == INVALID


@pytest.mark.parametrize("fields", [{"name": "  "}, {"name": "x" * 101}, {"name": 7}, {"name": "a\u0000"},
                                    {"isPersonal": "yes"}, {"isPersonal": 1}])  # fmt: skip
def test_other_unusable_fields_are_refused(account: Account, fields: dict[str, object]) -> None:
    assert refusal(create(account.client, **fields)) == INVALID


def test_missing_fields_are_refused(account: Account) -> None:
    assert refusal(account.client.post("/api/tenants", json={})) == INVALID
    answer = account.client.post("/api/tenants", data="{")
    assert refusal(answer) == (400, {"message": "Invalid request body"})


def test_reserved_slugs_are_refused_by_code(account: Account) -> None:
    for slug in (*sorted(RESERVED_SLUGS), "openai-proxy"):
        assert refusal(create(account.client, slug=slug)) == reserved(slug)


def test_second_workspace_is_refused_before_its_slug_is_looked_at(account: Account, app: Flask) -> None:
    assert create(account.client).status_code == 201
    taken = create(make_account(app.test_client()).client).json["slug"]
    answer = create(account.client, slug=taken)
    assert refusal(answer) == (409, {"message": "You already have a workspace"})


def test_test_workspace_does_not_count_as_the_one(account: Account, platform: Platform) -> None:
    with platform.database.transaction() as session:
        session.add(
            Tenant(
                name="T", slug=unique("t"), owner_id=account.user_id, referral_code=unique("R"), is_test=True
            )
        )
    assert account.client.get("/api/tenants/me").status_code == 404
    assert create(account.client).status_code == 201


def test_workspaces_need_a_session(client: FlaskClient) -> None:
    unauthorized = (401, {"message": "Unauthorized"})
    assert refusal(create(client)) == unauthorized
    assert refusal(client.get("/api/tenants/me")) == unauthorized
    assert refusal(client.patch("/api/tenants/me", json={})) == unauthorized
    assert refusal(client.get("/api/tenants/check-slug?slug=harbor")) == unauthorized


def test_foreign_origin_cannot_create(account: Account) -> None:
    headers = {"Origin": "https://evil.example"}
    answer = account.client.post("/api/tenants", json={"name": "H", "slug": unique("t")}, headers=headers)
    assert refusal(answer) == (403, {"message": "Origin not allowed"})


def test_creation_is_limited_per_address(app: Flask, settings: Settings) -> None:
    limited = create_app(dataclasses.replace(settings, tenant_limit="3 per hour"))
    client = make_account(limited.test_client()).client
    elsewhere = {"REMOTE_ADDR": "192.0.2.77"}
    statuses = [client.post("/api/tenants", json={}, environ_base=elsewhere).status_code for _ in range(4)]
    assert statuses == [400, 400, 400, 429]
    assert client.post("/api/tenants", json={}).status_code == 400


def test_no_workspace_is_404(account: Account) -> None:
    assert refusal(account.client.get("/api/tenants/me")) == (404, {"message": "No workspace"})
    answer = account.client.patch("/api/tenants/me", json={"name": "x"})
    assert refusal(answer) == (404, {"message": "No workspace"})


@pytest.mark.parametrize("slug", [slug for slug in BAD_SLUGS if slug not in {"Harbor", "harbor\n"}])
def test_check_slug_names_a_bad_slug(account: Account, slug: str) -> None:
    answer = account.client.get("/api/tenants/check-slug", query_string={"slug": slug})
    assert answer.status_code == 400
    assert (answer.json["available"], answer.json["code"]) == (False, "INVALID_SLUG")
    assert answer.json["error"]


def test_check_slug_without_a_slug_is_invalid(account: Account) -> None:
    answer = account.client.get("/api/tenants/check-slug")
    assert (answer.status_code, answer.json["code"]) == (400, "INVALID_SLUG")


def test_check_slug_tells_reserved_taken_own_and_free(account: Account, app: Flask) -> None:
    def check(client: FlaskClient, slug: str) -> tuple[int, Any]:
        return refusal(client.get("/api/tenants/check-slug", query_string={"slug": slug}))

    slug = create(account.client).json["slug"]
    other = make_account(app.test_client()).client
    status, body = check(other, "Proxy")
    assert (status, body["code"], body["available"]) == (400, "SLUG_RESERVED", False)
    assert check(other, slug) == (200, {"available": False, "code": "SLUG_TAKEN"})
    assert check(account.client, f" {slug.upper()} ") == (200, {"available": True})
    assert check(other, unique("free")) == (200, {"available": True})
