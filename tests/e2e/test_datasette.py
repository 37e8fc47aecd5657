"""A tool that nobody here wrote: Datasette from the Python registry, with its database on a volume."""

import json
from pathlib import Path

import pytest

from examples.datasette.pack import main as pack_datasette
from stack.settings import CHECKOUT
from tests.e2e.owner import Deployed, Owner

TEMPLATE = CHECKOUT / "examples" / "datasette" / "templates" / "datasette" / "1.0.0.json"
QUERY = "planets.json?_shape=array&sql=select name from planets where moons > 50 order by moons"
COUNT = """
import sqlite3
print(sqlite3.connect("/data/planets.db").execute("select count(*) from planets").fetchone())
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with its wheels."""
    path = tmp_path_factory.mktemp("datasette") / "datasette.tar.gz"
    pack_datasette(path)
    return path


def deploy_datasette(owner: Owner, archive: Path) -> Deployed:
    template = json.loads(TEMPLATE.read_text())
    owner.stack.store_artifact(template["services"][0]["buildArtifact"], archive)
    deployed = owner.deploy(owner.stack.publish(template))
    deployed.await_status("running", 180)
    return deployed


@pytest.mark.usefixtures("base")
def test_datasette_answers_a_query_and_its_volume_outlives_its_container(owner: Owner, archive: Path) -> None:
    deployed = deploy_datasette(owner, archive)
    assert deployed.open(QUERY).json() == [{"name": "Jupiter"}, {"name": "Saturn"}]
    assert f'href="/d/{deployed.label}/' in deployed.open().text

    engine, container = owner.stack.engine, deployed.container()
    (mount,) = container["Mounts"]
    engine.remove_container(container["Id"], force=True)
    reader = engine.create_container(
        container["Image"],
        ["python3", "-c", COUNT],
        labels={"berth.install": "test"},
        host_config=engine.create_host_config(binds={mount["Name"]: {"bind": "/data"}}, network_mode="none"),
    )
    try:
        engine.start(reader)
        assert engine.wait(reader)["StatusCode"] == 0
        assert engine.logs(reader) == b"(8,)\n"
    finally:
        engine.remove_container(reader, force=True)
