import json
import re
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from tests.app.identity.accounts import PASSWORD, Account, new_email

Run = Callable[..., Result]


@pytest.fixture
def users(app: Flask) -> Run:
    """Run `flask users ...` with text on standard input."""

    def run(*args: str, stdin: str = "") -> Result:
        return app.test_cli_runner().invoke(args=["users", *args], input=stdin)

    return run


def can_sign_in(client: FlaskClient, email: str, password: str) -> bool:
    answer = client.post("/api/auth/sign-in", json={"email": email, "password": password})
    return answer.status_code == 200


def generated(result: Result) -> str:
    found = re.findall(r"^password: (\S+)$", result.output, re.MULTILINE)
    assert len(found) == 1
    return str(found[0])


def test_create_prints_a_generated_password_once(users: Run, client: FlaskClient) -> None:
    email = new_email()
    result = users("create", "--email", email.upper(), "--display-name", "Mira")
    assert result.exit_code == 0
    assert f"created {email}" in result.output
    assert can_sign_in(client, email, generated(result))


def test_create_reads_the_password_and_never_prints_it(users: Run, client: FlaskClient) -> None:
    email = new_email()
    result = users("create", "--email", email, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert PASSWORD not in result.output
    assert can_sign_in(client, email, PASSWORD)


def test_existing_account_fails_unless_told_otherwise(users: Run, account: Account) -> None:
    again = users("create", "--email", account.email)
    assert again.exit_code == 1
    assert "An account with this email already exists" in again.output
    tolerated = users("create", "--email", account.email, "--if-missing")
    assert (tolerated.exit_code, tolerated.output) == (0, f"exists {account.email}\n")
    assert can_sign_in(account.client, account.email, PASSWORD)


def test_unusable_email_or_password_fails_with_its_reason(users: Run) -> None:
    assert "Invalid email" in users("create", "--email", "nobody").output
    result = users("create", "--email", new_email(), "--password-stdin", stdin="short\n")
    assert result.exit_code == 1
    assert "Password must be 8-200 characters" in result.output


def test_list_shows_accounts_for_people_and_for_programs(users: Run, account: Account) -> None:
    assert account.email in users("list").output
    rows = json.loads(users("list", "--json").output)
    row = next(item for item in rows if item["email"] == account.email)
    assert set(row) == {"id", "email", "displayName", "isAdmin", "createdAt"}
    assert (row["id"], row["isAdmin"]) == (account.user_id, False)


def test_admin_at_creation_and_afterwards(users: Run, account: Account) -> None:
    email = new_email()
    users("create", "--email", email, "--admin")
    assert users("make-admin", account.email).exit_code == 0
    assert users("make-admin", account.email).exit_code == 0
    admins = {row["email"] for row in json.loads(users("list", "--json").output) if row["isAdmin"]}
    assert {email, account.email} <= admins


def test_reset_password_ends_every_session(users: Run, account: Account) -> None:
    result = users("reset-password", account.email)
    assert account.client.get("/api/auth/me").json["loggedIn"] is False
    assert not can_sign_in(account.client, account.email, PASSWORD)
    assert can_sign_in(account.client, account.email, generated(result))


def test_reset_password_from_standard_input(users: Run, account: Account) -> None:
    users("reset-password", account.email, "--password-stdin", stdin="another horse\n")
    assert can_sign_in(account.client, account.email, "another horse")


@pytest.mark.parametrize("command", ["make-admin", "reset-password"])
def test_unknown_account_fails(users: Run, command: str) -> None:
    result = users(command, new_email())
    assert result.exit_code == 1
    assert "No account has this email" in result.output
