"""A tool that nobody here wrote: Datasette from the Python registry, with its database on a volume."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from examples.datasette.pack import main as pack_datasette
from stack.settings import CHECKOUT
from tests.e2e.owner import Deployed, await_that, opened_owner
from tests.e2e.stack import Stack
from tests.e2e.witness import Witness

TEMPLATE = CHECKOUT / "examples" / "datasette" / "templates" / "datasette" / "1.0.0.json"
BUILD_SECONDS = 180.0
WRITE = """
import sqlite3
with sqlite3.connect("/data/planets.db") as database:
    database.execute("INSERT INTO planets (name, kind, moons) VALUES ('Vulcan', 'imagined', 0)")
"""


@pytest.fixture(scope="module")
def datasette(
    stack: Stack, witness: Witness, base: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    template = json.loads(TEMPLATE.read_text())
    archive = tmp_path_factory.mktemp("datasette") / "datasette.tar.gz"
    pack_datasette(archive)
    stack.store_artifact(template["services"][0]["buildArtifact"], archive)
    with opened_owner(stack, witness) as owner:
        made = owner.deploy(stack.publish(template))
        made.await_status("running", BUILD_SECONDS)
        yield made


def ask(deployed: Deployed, sql: str) -> Any:
    query = {"sql": sql, "_shape": "arrays"}
    answer = deployed.owner.call("GET", f"/d/{deployed.label}/planets.json", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def test_datasette_answers_a_query_through_berth(datasette: Deployed) -> None:
    largest = ask(datasette, "select name from planets order by radius_km desc limit 2")
    assert largest == [["Jupiter"], ["Saturn"]]
    assert f'href="/d/{datasette.label}/' in datasette.open().text


def test_datasette_keeps_its_data_when_its_container_is_removed(datasette: Deployed) -> None:
    engine, before = datasette.owner.stack.engine, datasette.container()
    run = engine.exec_create(before["Id"], ["python3", "-c", WRITE])
    assert engine.exec_start(run["Id"]) == b""
    engine.remove_container(before["Id"], force=True, v=True)
    config = {**before["Config"], "HostConfig": before["HostConfig"]}
    engine.start(engine.create_container_from_config(config, before["Name"].lstrip("/"))["Id"])
    await_that(lambda: datasette.open().status_code == 200, 30, "datasette to answer again")
    assert ask(datasette, "select kind from planets where name = 'Vulcan'") == [["imagined"]]
