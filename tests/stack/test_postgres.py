"""The embedded PostgreSQL: roles, privacy, and survival of the ways a start and a stop can go wrong."""

import ipaddress
import os
import signal
import stat
from pathlib import Path

import psycopg2
import pytest

from stack import gateway, ports, postgres
from stack.engine_api import EngineApi
from stack.postgres import RunningPostgres
from tests.stack.containers import run_container


def ask(url: str, statement: str) -> str:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return str(cursor.fetchone()[0]) if cursor.description else ""
    finally:
        connection.close()


def test_berth_owns_its_database_and_administers_nothing(cluster: RunningPostgres) -> None:
    owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
    assert ask(cluster.url, owner) == "berth"
    powers = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert ask(cluster.url, powers) == "False"


def test_tenant_role_cannot_open_berths_database(cluster: RunningPostgres) -> None:
    ask(cluster.admin_url, "CREATE ROLE nosy LOGIN PASSWORD 'nosy'")
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(cluster.url, user="nosy", password="nosy")


def test_wrong_password_is_refused(cluster: RunningPostgres) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(cluster.url, password="wrong")


def test_failing_statement_leaves_no_value_in_the_log(server_folder: Path) -> None:
    server = postgres.start(server_folder / "pg", ports.free_port())
    try:
        ask(server.url, "CREATE TABLE things (name text UNIQUE)")
        ask(server.url, "INSERT INTO things VALUES ('hunter2')")
        with pytest.raises(psycopg2.errors.UniqueViolation):
            ask(server.url, "INSERT INTO things VALUES ('hunter2')")
    finally:
        server.stop()
    log = (server_folder / "pg" / "server.log").read_text()
    assert "duplicate key" in log
    assert "hunter2" not in log


def test_second_start_finds_the_data(server_folder: Path) -> None:
    passwords = postgres.Passwords("admin-password", "berth-password")
    first = postgres.start(server_folder / "pg", ports.free_port(), passwords=passwords)
    ask(first.url, "CREATE TABLE kept AS SELECT 7 AS number")
    first.stop()
    second = postgres.start(server_folder / "pg", ports.free_port(), passwords=passwords)
    try:
        assert ask(second.url, "SELECT number FROM kept") == "7"
    finally:
        second.stop()


def test_start_replaces_a_server_that_was_left_behind(server_folder: Path) -> None:
    passwords = postgres.Passwords("admin-password", "berth-password")
    orphan = postgres.start(server_folder / "pg", ports.free_port(), passwords=passwords)
    server = postgres.start(server_folder / "pg", ports.free_port(), passwords=passwords)
    try:
        assert orphan.process.poll() is not None
        assert ask(server.url, "SELECT 1") == "1"
    finally:
        server.stop()


def test_start_recovers_after_the_postmaster_was_killed(server_folder: Path) -> None:
    passwords = postgres.Passwords("admin-password", "berth-password")
    killed = postgres.start(server_folder / "pg", ports.free_port(), passwords=passwords)
    os.kill(killed.pid, signal.SIGKILL)
    killed.process.wait()
    server = postgres.start(server_folder / "pg", ports.free_port(), passwords=passwords)
    server.stop()


def test_data_is_private(server_folder: Path) -> None:
    server = postgres.start(server_folder / "pg", ports.free_port())
    server.stop()
    assert stat.S_IMODE((server_folder / "pg").stat().st_mode) == 0o700
    assert stat.S_IMODE((server_folder / "pg" / "pg_hba.conf").stat().st_mode) == 0o600


# Asks to come in as four roles and prints the kind of each answer: R asks for the password, E refuses.
KNOCK = """
import socket, struct, sys
for role, database in (("tenant", "tenant"), ("tenant", "berth"), ("berth", "berth"), ("postgres",) * 2):
    body = struct.pack("!i", 196608) + f"user\\0{role}\\0database\\0{database}\\0\\0".encode()
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as connection:
        connection.sendall(struct.pack("!i", len(body) + 4) + body)
        print(connection.recv(1).decode(), end="")
"""


def test_container_comes_in_only_with_a_tenants_role(
    api: EngineApi, install_id: str, other_network: str, base: str, server_folder: Path
) -> None:
    network = ipaddress.IPv4Network(postgres.DEFAULT_NETWORK)
    address = gateway.ensure_gateway(api, install_id, network).address
    port = ports.free_port(address)
    server = postgres.start(server_folder / "pg", port, ("127.0.0.1", address))
    try:
        said = run_container(api, base, other_network, ["python3", "-c", KNOCK, address, str(port)])
    finally:
        server.stop()
    assert said == b"REEE"
