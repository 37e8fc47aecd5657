"""A role and a database of its own for each tool on the tenants' PostgreSQL server (14 or newer)."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg2
from psycopg2 import sql
from psycopg2.errors import DuplicateDatabase, DuplicateObject
from psycopg2.extensions import connection, cursor, encrypt_password

from deploy_runner.errors import StepError

CONNECTION_LIMIT = 50
_CONNECT_SECONDS = 5
_STATEMENT_MILLISECONDS = 60_000


def ensure_database(admin_url: str, name: str, role: str, password: str) -> None:
    """Have a database that only its role may enter; repeated, it sets the password and allows login again."""
    with _admin(admin_url) as admin, admin.cursor() as statements:
        _ensure_role(statements, role, _password_verifier(admin, role, password))
        _ensure_owned_database(statements, name, role)
        _run(statements, "REVOKE ALL ON DATABASE {name} FROM PUBLIC", name=name)


def suspend_database(admin_url: str, name: str, role: str) -> None:
    """Deny the role's login and end its sessions; `ensure_database` allows them again."""
    with _admin(admin_url) as admin, admin.cursor() as statements:
        _deny_login(statements, name, role)


def drop_database(admin_url: str, name: str, role: str) -> None:
    """Remove database and role; what is gone already is fine."""
    with _admin(admin_url) as admin, admin.cursor() as statements:
        _deny_login(statements, name, role)
        _run(statements, "DROP DATABASE IF EXISTS {name} WITH (FORCE)", name=name)
        _run(statements, "DROP ROLE IF EXISTS {role}", role=role)


@contextmanager
def _admin(admin_url: str) -> Iterator[connection]:
    # No message here may hold the address or a statement: both carry secrets.
    try:
        with closing(psycopg2.connect(admin_url, connect_timeout=_CONNECT_SECONDS)) as admin:
            # CREATE and DROP DATABASE do not run inside a transaction.
            admin.autocommit = True
            with admin.cursor() as statements:
                statements.execute("SET statement_timeout = %s", (_STATEMENT_MILLISECONDS,))
            yield admin
    except (psycopg2.OperationalError, psycopg2.InterfaceError):
        raise StepError("The tenants' database server does not answer.", permanent=False) from None
    except psycopg2.Error as error:
        code = error.pgcode or "no code"
        raise StepError(f"The tenants' database server refused the request (SQLSTATE {code}).") from None


def _password_verifier(admin: connection, role: str, password: str) -> str:
    """Computed here, so that the password itself reaches neither the server nor its log."""
    return encrypt_password(password, role, scope=admin, algorithm="scram-sha-256")


def _ensure_role(statements: cursor, role: str, verifier: str) -> None:
    with suppress(DuplicateObject):
        _run(statements, "CREATE ROLE {role} NOSUPERUSER NOCREATEDB NOCREATEROLE", role=role)
    statement = f"ALTER ROLE {{role}} LOGIN CONNECTION LIMIT {CONNECTION_LIMIT} PASSWORD %s"
    statements.execute(sql.SQL(statement).format(role=sql.Identifier(role)), (verifier,))
    # An administrator who is no superuser may only give a database to a role that it belongs to.
    _run(statements, "GRANT {role} TO CURRENT_USER", role=role)


def _ensure_owned_database(statements: cursor, name: str, role: str) -> None:
    try:
        # template0, since nobody can be connected to it and so block the copy.
        _run(statements, "CREATE DATABASE {name} OWNER {role} TEMPLATE template0", name=name, role=role)
    except DuplicateDatabase:
        _run(statements, "ALTER DATABASE {name} OWNER TO {role}", name=name, role=role)


def _deny_login(statements: cursor, name: str, role: str) -> None:
    statements.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))
    if statements.fetchone() is not None:
        _run(statements, "ALTER ROLE {role} NOLOGIN", role=role)
    statements.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE (datname = %s OR usename = %s) AND pid <> pg_backend_pid()",
        (name, role),
    )


def _run(statements: cursor, statement: str, **identifiers: str) -> None:
    quoted = {key: sql.Identifier(value) for key, value in identifiers.items()}
    statements.execute(sql.SQL(statement).format(**quoted))
