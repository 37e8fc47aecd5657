"""A tool's own PostgreSQL database, seen from inside its container; and what it cannot reach from there."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest

from stack.packing import pack
from tests.e2e.manifests import built_web, patience, tool, web
from tests.e2e.owner import Deployed, Owner, await_that, opened_owner
from tests.e2e.stack import Stack
from tests.e2e.witness import Witness

BUILD_SECONDS = 120.0
# Answers a POST of {"dsn", "statement"} with the first row, or with what the server said.
SERVER = """
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import psycopg2

def ask(dsn, statement):
    try:
        with psycopg2.connect(dsn or os.environ["DATABASE_URL"], connect_timeout=5) as connection:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return {"row": cursor.fetchone(), "url": os.environ["DATABASE_URL"]}
    except psycopg2.Error as error:
        return {"error": str(error).splitlines()[0]}

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(ask(asked["dsn"], asked["statement"]))

    def answer(self, body):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args):
        pass

ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""
DOCKERFILE = """\
FROM {base}
COPY . /srv/
USER nobody
CMD ["python3", "/srv/server.py"]
"""


def write_context(folder: Path, base: str) -> None:
    """The driver comes from this machine's own environment: the build needs no network."""
    (folder / "Dockerfile").write_text(DOCKERFILE.format(base=base))
    (folder / "server.py").write_text(SERVER)
    installed = Path(psycopg2.__file__).parent
    for name in ("psycopg2", "psycopg2_binary.libs"):
        shutil.copytree(installed.parent / name, folder / name)


@pytest.fixture(scope="module")
def deployed(
    stack: Stack, witness: Witness, base: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("asker")
    (folder / "context").mkdir()
    write_context(folder / "context", base)
    pack(folder / "context", folder / "asker.tar.gz")
    key = stack.store_artifact("tests/asker.tar.gz", folder / "asker.tar.gz")
    document = tool(
        built_web(key), databases=[{"name": "main", "type": "postgresql"}], readiness=patience(60)
    )
    with opened_owner(stack, witness) as owner:
        made = owner.deploy(stack.publish(document))
        made.await_status("running", BUILD_SECONDS)
        yield made


def ask(deployed: Deployed, statement: str, dsn: str = "") -> dict[str, Any]:
    body = {"dsn": dsn, "statement": statement}
    return dict(deployed.owner.call("POST", f"/d/{deployed.label}/", json=body).json())


def test_the_tool_reaches_its_own_database_as_its_own_role(deployed: Deployed) -> None:
    name = f"berth_{deployed.hex}"
    assert ask(deployed, "SELECT current_user::text, current_database()::text")["row"] == [name, name]
    assert ask(deployed, "CREATE TABLE notes AS SELECT 42 AS n; SELECT n FROM notes")["row"] == [42]


def test_its_role_is_nothing_more_than_the_owner_of_that_database(deployed: Deployed) -> None:
    said = ask(
        deployed, "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    )
    assert said["row"] == [False, False, False]
    assert "permission denied" in ask(deployed, "SELECT pg_read_file('/etc/passwd')")["error"]


@pytest.mark.parametrize("setting", ["DATABASE_URL", "TENANT_DATABASE_ADMIN_URL"])
def test_berths_own_roles_cannot_enter_from_a_container(deployed: Deployed, setting: str) -> None:
    stack = deployed.owner.stack
    known = urlsplit(stack.environment[setting])
    address = f"{stack.environment['TENANT_DATABASE_HOST']}:{stack.environment['TENANT_DATABASE_PORT']}"
    said = ask(deployed, "SELECT 1", f"postgresql://{known.username}:{known.password}@{address}{known.path}")
    assert "pg_hba.conf rejects connection" in said["error"]


def test_its_own_role_cannot_enter_berths_database(deployed: Deployed) -> None:
    own = urlsplit(ask(deployed, "SELECT 1")["url"])
    said = ask(deployed, "SELECT 1", own._replace(path="/berth").geturl())
    assert "pg_hba.conf rejects connection" in said["error"]


def test_a_container_cannot_reach_another_deployments_container(owner: Owner, busybox: str) -> None:
    slug = owner.stack.publish(tool(web(busybox)))
    one, other = owner.deploy(slug), owner.deploy(slug)
    addresses = [address_of(item) for item in (one, other)]
    assert one.open(f"cgi-bin/reach?{addresses[0]}:8080").text == "open\n"
    assert one.open(f"cgi-bin/reach?{addresses[1]}:8080").text == "closed\n"


def test_the_queue_and_the_engine_cannot_be_reached_from_a_container(owner: Owner, busybox: str) -> None:
    deployed = owner.deploy(owner.stack.publish(tool(web(busybox))))
    deployed.await_status("running")
    gateway, web_port = owner.stack.environment["HOST_GATEWAY"], owner.stack.environment["BERTH_PORT"]
    assert deployed.open(f"cgi-bin/reach?{gateway}:{web_port}").text == "open\n"
    assert deployed.open(f"cgi-bin/reach?{gateway}:{owner.stack.servers.queue_port}").text == "closed\n"
    for port in (2375, 2376):
        assert deployed.open(f"cgi-bin/reach?{gateway}:{port}").text == "closed\n"


def test_destroy_drops_database_and_role(owner: Owner, busybox: str) -> None:
    document = tool(web(busybox), databases=[{"name": "main", "type": "postgresql"}])
    deployed = owner.deploy(owner.stack.publish(document))
    deployed.await_status("running")
    assert count_databases(owner.stack, deployed) == 2
    deployed.destroy()
    await_that(lambda: deployed.read()["status"] == "destroyed", 30, "its end")
    assert count_databases(owner.stack, deployed) == 0


def count_databases(stack: Stack, deployed: Deployed) -> int:
    """Databases and roles of the deployment on the tenants' server."""
    with psycopg2.connect(stack.environment["TENANT_DATABASE_ADMIN_URL"]) as admin, admin.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM pg_database WHERE datname = %(name)s)"
            " + (SELECT count(*) FROM pg_roles WHERE rolname = %(name)s)",
            {"name": f"berth_{deployed.hex}"},
        )
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def address_of(deployed: Deployed) -> str:
    deployed.await_status("running")
    (network,) = deployed.container()["NetworkSettings"]["Networks"].values()
    return str(network["IPAddress"])
