import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core.config import Settings
from app.core.platform import Platform
from app.factory import create_app
from app.identity.models import User
from tests.app.identity.accounts import PASSWORD, Account, cookie_header, new_email, refusal, sign_up

INVALID_EMAIL = {"message": "Invalid email"}
INVALID_PASSWORD = {"message": "Password must be 8-200 characters"}


def test_sign_up_creates_the_account_and_signs_in(client: FlaskClient) -> None:
    email = new_email()
    answer = sign_up(client, email=f"  {email.upper()} ", displayName=" Mira Holt ")
    assert answer.status_code == 201
    assert answer.json["email"] == email
    assert client.get("/api/user/me").json == {
        "id": answer.json["userId"],
        "email": email,
        "displayName": "Mira Holt",
        "avatarUrl": "",
    }


def test_cookie_is_http_only_lax_and_bound_to_this_host(client: FlaskClient) -> None:
    header = cookie_header(sign_up(client))
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Path=/" in header
    assert "Domain" not in header
    assert "Secure" not in header


def test_cookie_is_secure_under_an_https_public_url(settings: Settings, app: Flask) -> None:
    secured = create_app(dataclasses.replace(settings, public_url="https://berth.example"))
    assert "Secure" in cookie_header(sign_up(secured.test_client()))


@pytest.mark.parametrize(
    "email",
    ["", "mira", "mira@", "@harbor.example", "mira@harbor", "a b@harbor.example", "mira@-x.example",
     "mira@harbor.example\nx", "m\u0000@harbor.example", "\ud800@harbor.example", 7, None, ["a@b.example"]],
)  # fmt: skip
def test_malformed_email_is_refused(client: FlaskClient, email: object) -> None:
    assert refusal(sign_up(client, email=email)) == (400, INVALID_EMAIL)


@pytest.mark.parametrize("password", ["", "1234567", "x" * 201, 12345678, None, "password\ud800"])
def test_password_outside_the_rule_is_refused(client: FlaskClient, password: object) -> None:
    assert refusal(sign_up(client, password=password)) == (400, INVALID_PASSWORD)


@pytest.mark.parametrize("body", ["", "{", "[]", '"x"', "null", '{"email": NaN}'])
def test_body_that_is_no_json_object_is_refused(client: FlaskClient, body: str) -> None:
    assert refusal(client.post("/api/auth/sign-up", data=body)) == (400, {"message": "Invalid request body"})


def test_missing_fields_are_named(client: FlaskClient) -> None:
    assert refusal(client.post("/api/auth/sign-up", json={"password": PASSWORD})) == (400, INVALID_EMAIL)
    answer = client.post("/api/auth/sign-up", json={"email": new_email()})
    assert refusal(answer) == (400, INVALID_PASSWORD)


def test_display_name_over_120_characters_is_refused(client: FlaskClient) -> None:
    assert refusal(sign_up(client, displayName="x" * 121)) == (
        400,
        {"message": "Display name must be 120 characters or less"},
    )


def test_unknown_fields_are_ignored(client: FlaskClient) -> None:
    assert sign_up(client, isAdmin=True, is_admin=True).status_code == 201


def test_taken_email_is_refused_in_any_spelling(account: Account) -> None:
    answer = sign_up(account.client, email=f" {account.email.upper()}")
    assert refusal(answer) == (409, {"message": "An account with this email already exists"})


def test_two_sign_ups_for_one_email_make_one_account(app: Flask, platform: Platform) -> None:
    email = new_email()

    def attempt(_: int) -> int:
        return sign_up(app.test_client(), email=email).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(4))) == [201, 409, 409, 409]
    with platform.database.transaction() as session:
        count = session.scalar(select(func.count()).select_from(User).where(User.email == email))
    assert count == 1


def test_operator_can_switch_sign_up_off(settings: Settings, app: Flask) -> None:
    closed = create_app(dataclasses.replace(settings, sign_up_enabled=False)).test_client()
    assert refusal(sign_up(closed)) == (403, {"message": "Sign-up is disabled"})


def test_foreign_origin_cannot_sign_anybody_up(client: FlaskClient) -> None:
    body = {"email": new_email(), "password": PASSWORD}
    answer = client.post("/api/auth/sign-up", json=body, headers={"Origin": "https://evil.example"})
    assert refusal(answer) == (403, {"message": "Origin not allowed"})
