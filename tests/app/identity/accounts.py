"""Shorthand of these tests: accounts with a known password, and the cookie that an answer sets."""

from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.identity.principals import SESSION_COOKIE
from tests.factories import unique

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Account:
    """A person who signed up over HTTP; `client` carries the cookie."""

    client: FlaskClient
    email: str
    user_id: str


def new_email() -> str:
    return f"{unique('person')}@berth.example"


def sign_up(client: FlaskClient, **fields: object) -> TestResponse:
    return client.post("/api/auth/sign-up", json={"email": new_email(), "password": PASSWORD, **fields})


def make_account(client: FlaskClient) -> Account:
    answer = sign_up(client)
    assert answer.status_code == 201, answer.text
    return Account(client, answer.json["email"], answer.json["userId"])


def cookie_header(answer: TestResponse) -> str:
    return next(
        value for value in answer.headers.getlist("Set-Cookie") if value.startswith(f"{SESSION_COOKIE}=")
    )


def refusal(answer: TestResponse) -> tuple[int, Any]:
    """Status and body of an answer, to be compared at once."""
    return answer.status_code, answer.json
