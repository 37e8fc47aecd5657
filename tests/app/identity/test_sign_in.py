import dataclasses
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.config import Settings
from app.core.platform import Platform
from app.factory import create_app
from app.identity.models import User
from app.identity.principals import SESSION_COOKIE
from tests.app.identity.accounts import PASSWORD, Account, cookie_header, new_email, refusal

WRONG = (401, {"message": "Invalid email or password"})
NOBODY = {"loggedIn": False, "userId": None, "email": None}


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD) -> tuple[int, Any]:
    return refusal(client.post("/api/auth/sign-in", json={"email": email, "password": password}))


def test_sign_in_answers_who_and_sets_the_cookie(app: Flask, account: Account) -> None:
    client = app.test_client()
    status, body = sign_in(client, f" {account.email.upper()} ")
    assert (status, body) == (200, {"userId": account.user_id, "email": account.email})
    assert client.get("/api/auth/me").json == {
        "loggedIn": True,
        "userId": account.user_id,
        "email": account.email,
    }


def test_wrong_email_and_wrong_password_answer_alike(client: FlaskClient, account: Account) -> None:
    assert sign_in(client, account.email, "wrong password") == WRONG
    assert sign_in(client, new_email()) == WRONG
    assert sign_in(client, "not an email") == WRONG


def test_account_of_an_outside_identity_server_has_no_password(
    client: FlaskClient, platform: Platform
) -> None:
    email = new_email()
    with platform.database.transaction() as session:
        session.add(User(email=email, issuer="https://id.example", subject=email))
    assert sign_in(client, email) == WRONG


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "{}", '{"email": 1, "password": "x"}', '{"email": "a@b.example"}']
)
def test_unreadable_body_is_refused(client: FlaskClient, body: str) -> None:
    answer = client.post("/api/auth/sign-in", data=body)
    assert refusal(answer) == (400, {"message": "Invalid request body"})


def test_sign_in_replaces_the_session_it_came_with(account: Account, app: Flask) -> None:
    before = account.client.get_cookie(SESSION_COOKIE)
    assert sign_in(account.client, account.email)[0] == 200
    after = account.client.get_cookie(SESSION_COOKIE)
    old = app.test_client()
    assert before is not None
    assert after is not None
    old.set_cookie(SESSION_COOKIE, before.value)
    assert before.value != after.value
    assert old.get("/api/auth/me").json == NOBODY


def test_sign_out_ends_the_session_and_clears_the_cookie(account: Account, app: Flask) -> None:
    stolen = account.client.get_cookie(SESSION_COOKIE)
    answer = account.client.post("/api/auth/sign-out")
    assert refusal(answer) == (200, {"ok": True})
    assert "Max-Age=0" in cookie_header(answer)
    other = app.test_client()
    assert stolen is not None
    other.set_cookie(SESSION_COOKIE, stolen.value)
    assert other.get("/api/user/me").status_code == 401


def test_sign_out_without_a_session_succeeds(client: FlaskClient) -> None:
    assert refusal(client.post("/api/auth/sign-out")) == (200, {"ok": True})


def test_foreign_origin_cannot_sign_in_or_out(account: Account) -> None:
    refused = (403, {"message": "Origin not allowed"})
    for path in ("/api/auth/sign-in", "/api/auth/sign-out"):
        answer = account.client.post(path, json={}, headers={"Origin": "null"})
        assert refusal(answer) == refused
    assert account.client.get("/api/auth/me").json["loggedIn"] is True


def test_own_origin_may_write(account: Account, settings: Settings) -> None:
    headers = {"Origin": settings.public_url}
    assert account.client.post("/api/auth/sign-out", headers=headers).status_code == 200


def test_me_is_never_refused_and_never_cached(client: FlaskClient) -> None:
    client.set_cookie(SESSION_COOKIE, "nobody's")
    answer = client.get("/api/auth/me")
    assert refusal(answer) == (200, NOBODY)
    assert answer.headers["Cache-Control"] == "no-store"


def test_eleventh_attempt_in_a_minute_is_refused_per_email(app: Flask, settings: Settings) -> None:
    client = create_app(dataclasses.replace(settings, sign_in_limit="10 per minute")).test_client()
    email = new_email()
    for _ in range(10):
        assert sign_in(client, email) == WRONG
    answer = client.post("/api/auth/sign-in", json={"email": email.upper(), "password": PASSWORD})
    assert refusal(answer) == (429, {"message": "Rate limit exceeded"})
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert sign_in(client, new_email()) == WRONG


def test_hash_of_another_cost_is_renewed_at_sign_in(
    client: FlaskClient, account: Account, platform: Platform
) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with platform.database.transaction() as session:
        find_account(session, account).password_hash = cheap
    assert sign_in(client, account.email)[0] == 200
    with platform.database.transaction() as session:
        renewed = find_account(session, account).password_hash
    assert renewed != cheap
    assert sign_in(client, account.email)[0] == 200


def find_account(session: Session, account: Account) -> User:
    return session.execute(select(User).where(User.email == account.email)).scalar_one()
