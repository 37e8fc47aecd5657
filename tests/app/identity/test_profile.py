import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.core.platform import Platform
from app.identity.models import User
from tests.app.identity.accounts import Account, refusal

UNAUTHORIZED = (401, {"message": "Unauthorized"})
TOO_LONG = (400, {"message": "Display name must be 120 characters or less"})


def test_profile_needs_a_session(client: FlaskClient) -> None:
    assert refusal(client.get("/api/user/me")) == UNAUTHORIZED
    assert refusal(client.patch("/api/user/me", data="{")) == UNAUTHORIZED


def test_bearer_token_is_no_session(client: FlaskClient) -> None:
    headers = {"Authorization": "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2ln"}
    assert refusal(client.get("/api/user/me", headers=headers)) == UNAUTHORIZED


def test_name_is_trimmed_and_picture_dropped(account: Account, platform: Platform) -> None:
    with platform.database.transaction() as session:
        statement = update(User).where(User.email == account.email)
        session.execute(statement.values(avatar_url="https://pictures.example/1.png"))
    answer = account.client.patch("/api/user/me", json={"displayName": "  Mira Holt ", "clearAvatar": True})
    expected = {"id": account.user_id, "email": account.email, "displayName": "Mira Holt", "avatarUrl": ""}
    assert refusal(answer) == (200, expected)
    assert account.client.get("/api/user/me").json == expected


def test_picture_stays_unless_clear_avatar_is_true(account: Account, platform: Platform) -> None:
    picture = "https://pictures.example/1.png"
    with platform.database.transaction() as session:
        session.execute(update(User).where(User.email == account.email).values(avatar_url=picture))
    for value in (False, "true", 1, None):
        answer = account.client.patch("/api/user/me", json={"clearAvatar": value})
        assert (answer.status_code, answer.json["avatarUrl"]) == (200, picture)


def test_empty_name_clears_and_an_empty_body_changes_nothing(account: Account) -> None:
    account.client.patch("/api/user/me", json={"displayName": "Mira"})
    assert account.client.patch("/api/user/me", json={}).json["displayName"] == "Mira"
    assert account.client.patch("/api/user/me", json={"displayName": ""}).json["displayName"] == ""


@pytest.mark.parametrize("name", ["x" * 121, 7, None, ["x"], "a\u0000b", "\udfff"])
def test_unusable_name_is_refused(account: Account, name: object) -> None:
    assert refusal(account.client.patch("/api/user/me", json={"displayName": name})) == TOO_LONG


def test_120_characters_after_trimming_are_accepted(account: Account) -> None:
    answer = account.client.patch("/api/user/me", json={"displayName": f" {'é' * 120} "})
    assert answer.json["displayName"] == "é" * 120


@pytest.mark.parametrize("body", ["{", "[]", "7"])
def test_body_that_is_no_object_is_refused(account: Account, body: str) -> None:
    answer = account.client.patch("/api/user/me", data=body)
    assert refusal(answer) == (400, {"message": "Invalid request body"})


def test_body_over_one_mebibyte_is_refused(account: Account) -> None:
    answer = account.client.patch("/api/user/me", data=b" " * (1024 * 1024 + 1))
    assert refusal(answer) == (413, {"message": "Request body too large"})


def test_foreign_origin_cannot_write(account: Account) -> None:
    answer = account.client.patch("/api/user/me", json={}, headers={"Origin": "https://evil.example"})
    assert refusal(answer) == (403, {"message": "Origin not allowed"})
