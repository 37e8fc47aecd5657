"""Tenant databases on a real server."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg2
import pytest

from deploy_runner.databases import drop_database, ensure_database, suspend_database
from deploy_runner.errors import StepError
from stack import postgres
from tests.deploy_runner.plans import free_port

# Names and passwords come from generators, but quoting must not depend on that.
NAME, ROLE, PASSWORD = 'tool-"1"', "role-'1'", "pa'ss\\word $1"


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.RunningPostgres]:
    # Not pytest's own folder: each pytest that starts closes it again to other users, such as the server's.
    with TemporaryDirectory(prefix="berth-test-") as folder:
        running = postgres.start(Path(folder) / "data", free_port())
        yield running
        running.stop()


@pytest.fixture
def admin_url(server: postgres.RunningPostgres) -> Iterator[str]:
    yield server.admin_url
    drop_database(server.admin_url, NAME, ROLE)


def query(url: str, statement: str, **login: str) -> list[tuple[object, ...]]:
    with closing(psycopg2.connect(url, **login)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def query_as_tool(admin_url: str, statement: str, password: str = PASSWORD) -> list[tuple[object, ...]]:
    return query(admin_url, statement, dbname=NAME, user=ROLE, password=password)


def test_a_tool_owns_its_database_and_little_else(admin_url: str) -> None:
    ensure_database(admin_url, NAME, ROLE, PASSWORD)
    query_as_tool(admin_url, "CREATE TABLE notes (id int)")
    rights = (
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolconnlimit FROM pg_roles WHERE rolname = current_user"
    )
    assert query_as_tool(admin_url, rights) == [(False, False, False, 50)]


def test_another_role_may_not_enter(admin_url: str) -> None:
    ensure_database(admin_url, NAME, ROLE, PASSWORD)
    ensure_database(admin_url, "other", "other", "other-password")
    try:
        with pytest.raises(psycopg2.OperationalError, match="permission denied"):
            query(admin_url, "SELECT 1", dbname=NAME, user="other", password="other-password")
    finally:
        drop_database(admin_url, "other", "other")


def test_repeating_keeps_the_data_and_sets_the_password(admin_url: str) -> None:
    ensure_database(admin_url, NAME, ROLE, "first password")
    query_as_tool(admin_url, "CREATE TABLE notes AS SELECT 7 AS id", "first password")
    ensure_database(admin_url, NAME, ROLE, PASSWORD)
    assert query_as_tool(admin_url, "SELECT id FROM notes") == [(7,)]
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        query_as_tool(admin_url, "SELECT 1", "first password")


def test_a_suspended_database_is_closed_until_it_is_ensured_again(admin_url: str) -> None:
    ensure_database(admin_url, NAME, ROLE, PASSWORD)
    with closing(psycopg2.connect(admin_url, dbname=NAME, user=ROLE, password=PASSWORD)) as session:
        suspend_database(admin_url, NAME, ROLE)
        suspend_database(admin_url, NAME, ROLE)
        with session.cursor() as cursor, pytest.raises(psycopg2.Error):
            cursor.execute("SELECT 1")
    with pytest.raises(psycopg2.OperationalError, match="not permitted to log in"):
        query_as_tool(admin_url, "SELECT 1")
    ensure_database(admin_url, NAME, ROLE, PASSWORD)
    assert query_as_tool(admin_url, "SELECT 1") == [(1,)]


def test_dropping_ends_open_sessions_and_may_be_repeated(admin_url: str) -> None:
    ensure_database(admin_url, NAME, ROLE, PASSWORD)
    with closing(psycopg2.connect(admin_url, dbname=NAME, user=ROLE, password=PASSWORD)):
        drop_database(admin_url, NAME, ROLE)
    drop_database(admin_url, NAME, ROLE)
    assert query(admin_url, "SELECT datname FROM pg_database WHERE datname LIKE 'tool-%'") == []
    assert query(admin_url, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'role-%'") == []


def test_the_password_never_reaches_the_server_log(admin_url: str, server: postgres.RunningPostgres) -> None:
    query(admin_url, "ALTER SYSTEM SET log_statement = 'all'")
    query(admin_url, "SELECT pg_reload_conf()")
    ensure_database(admin_url, NAME, ROLE, "plain-password-text")
    (folder,) = query(admin_url, "SHOW data_directory")[0]
    log = (Path(str(folder)) / "server.log").read_text()
    assert "ALTER ROLE" in log
    assert "SCRAM-SHA-256" in log
    assert "plain-password-text" not in log


def test_an_absent_server_may_be_tried_again_and_its_address_is_not_told(admin_url: str) -> None:
    password = str(urlsplit(admin_url).password)
    absent = admin_url.replace(f":{urlsplit(admin_url).port}/", f":{free_port()}/")
    with pytest.raises(StepError, match="does not answer") as caught:
        ensure_database(absent, NAME, ROLE, PASSWORD)
    assert not caught.value.permanent
    assert password not in str(caught.value)


def test_a_refusal_names_its_code_only(admin_url: str) -> None:
    with pytest.raises(StepError, match="SQLSTATE") as caught:
        ensure_database(admin_url, "postgres", "pg_reserved", PASSWORD)
    assert caught.value.permanent
    assert "pg_reserved" not in str(caught.value)
