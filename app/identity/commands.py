"""`flask users`: accounts from the operator's terminal."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from app.core.clock import iso
from app.core.errors import BerthError
from app.http import platform
from app.identity.models import User
from app.identity.passwords import generate_password
from app.identity.users import (
    NewUser,
    create_user,
    find_user_by_email,
    get_user_by_email,
    list_users,
    make_admin,
    set_password,
)

_password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input; else one is generated."
)


@click.group("users")
def users() -> None:
    """Create accounts, list them, change what they may do."""


@users.command("create")
@click.option("--email", required=True)
@click.option("--display-name", default="")
@click.option("--admin", is_flag=True, help="Make the account an operator of this install.")
@click.option("--if-missing", is_flag=True, help="Succeed without a change when the account exists.")
@_password_stdin
@with_appcontext
def create(email: str, display_name: str, admin: bool, if_missing: bool, password_stdin: bool) -> None:
    """Create an account."""
    with _transaction() as session:
        if if_missing and find_user_by_email(session, email) is not None:
            click.echo(f"exists {email}")
            return
        password = _read_or_generate(password_stdin)
        user = create_user(session, NewUser(email, password, display_name, is_admin=admin))
    click.echo(f"created {user.email}")
    _show_generated(password, password_stdin)


@users.command("list")
@click.option("--json", "as_json", is_flag=True)
@with_appcontext
def list_accounts(as_json: bool) -> None:
    """List every account, oldest first."""
    with _transaction() as session:
        rows = [_summary(user) for user in list_users(session)]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['id']}  {row['email']}{'  admin' if row['isAdmin'] else ''}")


@users.command("make-admin")
@click.argument("email")
@with_appcontext
def make_admin_command(email: str) -> None:
    """Make an account an operator of this install."""
    with _transaction() as session:
        user = get_user_by_email(session, email)
        make_admin(session, user)
    click.echo(f"{user.email} is an admin")


@users.command("reset-password")
@click.argument("email")
@_password_stdin
@with_appcontext
def reset_password(email: str, password_stdin: bool) -> None:
    """Set another password and end every session of the account."""
    with _transaction() as session:
        user = get_user_by_email(session, email)
        password = _read_or_generate(password_stdin)
        set_password(session, user, password)
    click.echo(f"password of {user.email} changed, every session ended")
    _show_generated(password, password_stdin)


@contextmanager
def _transaction() -> Iterator[Session]:
    try:
        with platform().database.transaction() as session:
            yield session
    except BerthError as error:
        raise click.ClickException(error.message) from None


def _read_or_generate(password_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\r\n") if password_stdin else generate_password()


def _show_generated(password: str, password_stdin: bool) -> None:
    if not password_stdin:
        click.echo(f"password: {password}")


def _summary(user: User) -> dict[str, str | bool | None]:
    return {
        "id": str(user.id),
        "email": user.email,
        "displayName": user.display_name,
        "isAdmin": user.is_admin,
        "createdAt": iso(user.created_at),
    }
