from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from app.core.platform import Platform
from app.identity.models import Tenant
from tests.app.identity.accounts import Account, make_account, refusal
from tests.factories import unique

NO_CHANGES = (400, {"message": "No changes"})
BAD_NAME = (400, {"message": "Workspace name must be 1–100 characters"})
BAD_SLUG = (400, {"message": "Slug must be 2-20 characters, lowercase alphanumeric and hyphens"})
FIXED = (400, {"message": "Workspace URL cannot be changed after creation"})


@dataclass(frozen=True)
class Harbor:
    client: FlaskClient
    slug: str

    def patch(self, **fields: object) -> tuple[int, Any]:
        return refusal(self.client.patch("/api/tenants/me", json=fields))


@pytest.fixture
def harbor(account: Account) -> Harbor:
    """A workspace whose slug is not chosen yet."""
    slug = unique("t")
    assert account.client.post("/api/tenants", json={"name": "Harbor", "slug": slug}).status_code == 201
    return Harbor(account.client, slug)


def test_confirming_the_slug_chooses_it(harbor: Harbor) -> None:
    status, row = harbor.patch(slug=harbor.slug)
    assert (status, row["slug"], row["slugChosen"]) == (200, harbor.slug, True)


def test_slug_may_change_until_it_is_chosen(harbor: Harbor) -> None:
    slug = unique("u")
    status, row = harbor.patch(slug=slug)
    assert (status, row["slug"], row["slugChosen"]) == (200, slug, True)
    assert harbor.patch(slug=harbor.slug) == FIXED


def test_same_slug_again_is_no_change(harbor: Harbor) -> None:
    harbor.patch(slug=harbor.slug)
    assert harbor.patch(slug=harbor.slug) == NO_CHANGES
    status, row = harbor.patch(slug=harbor.slug, name=" Quay ")
    assert (status, row["name"]) == (200, "Quay")


def test_rename_moves_updated_at(harbor: Harbor) -> None:
    before = harbor.client.get("/api/tenants/me").json
    _, after = harbor.patch(name="Quay")
    assert after["updatedAt"] > before["updatedAt"]
    assert harbor.client.get("/api/tenants/me").json == after


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, 7, None, "a\u0000"])
def test_unusable_name_is_refused(harbor: Harbor, name: object) -> None:
    assert harbor.patch(name=name) == BAD_NAME


@pytest.mark.parametrize("slug", ["-ab", "ab-", "A B", "a", "x" * 21, "", "Harbor", "harbor\n", 7, None])
def test_unusable_slug_is_refused(harbor: Harbor, slug: object) -> None:
    assert harbor.patch(slug=slug) == BAD_SLUG


def test_reserved_slug_is_refused_by_code(harbor: Harbor) -> None:
    status, body = harbor.patch(slug="billing")
    assert (status, body["code"]) == (400, "SLUG_RESERVED")


def test_taken_slug_is_refused_and_nothing_changes(harbor: Harbor, app: Flask) -> None:
    other = make_account(app.test_client()).client
    taken = other.post("/api/tenants", json={"name": "Other", "slug": unique("t")}).json["slug"]
    assert harbor.patch(slug=taken, name="Quay") == (409, {"message": "This workspace URL is already taken"})
    row = harbor.client.get("/api/tenants/me").json
    assert (row["name"], row["slug"], row["slugChosen"]) == ("Harbor", harbor.slug, False)


def test_logo_is_dropped_only_by_true(harbor: Harbor, platform: Platform) -> None:
    with platform.database.transaction() as session:
        session.execute(update(Tenant).where(Tenant.slug == harbor.slug).values(logo_url="/logo.png"))
    for value in (False, "true", 1, None):
        assert harbor.patch(clearLogo=value) == NO_CHANGES
    status, row = harbor.patch(clearLogo=True)
    assert (status, row["logoUrl"]) == (200, None)


@pytest.mark.parametrize("fields", [{}, {"unknown": 1}])
def test_nothing_to_change_is_refused(harbor: Harbor, fields: dict[str, object]) -> None:
    assert harbor.patch(**fields) == NO_CHANGES


def test_body_that_is_no_object_is_refused(harbor: Harbor) -> None:
    answer = harbor.client.patch("/api/tenants/me", data="[]")
    assert refusal(answer) == (400, {"message": "Invalid request body"})


def test_foreign_origin_cannot_edit(harbor: Harbor) -> None:
    answer = harbor.client.patch(
        "/api/tenants/me", json={"name": "x"}, headers={"Origin": "https://evil.example"}
    )
    assert refusal(answer) == (403, {"message": "Origin not allowed"})
