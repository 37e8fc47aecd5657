"""What cannot start says so in one line, with a code that is not 0, and leaves nothing running."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import ports
from stack.engine_api import EngineApi
from stack.home import Home
from tests.stack.installs import Install, new_install, remove_from_engine


@pytest.fixture
def install(api: EngineApi, server_folder: Path) -> Iterator[Install]:
    made = new_install(server_folder)
    yield made
    assert made.running_processes() == []
    remove_from_engine(api, made.folder)


def test_port_in_use_is_named(install: Install) -> None:
    with socket.create_server(("127.0.0.1", install.port)):
        assert install.run() == (
            1,
            f"berth: port {install.port} on 127.0.0.1 is in use: set BERTH_PORT to another one",
        )


def test_port_of_the_database_in_use_is_named(install: Install) -> None:
    home = Home(install.folder)
    home.create()
    port = home.load_state().postgres_port
    with socket.create_server(("127.0.0.1", port)):
        code, line = install.run()
    assert (code, line) == (
        1,
        f"berth: port {port} on 127.0.0.1 is in use: this install's PostgreSQL needs it",
    )


def test_missing_engine_says_what_to_do(install: Install) -> None:
    code, line = install.run(DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert code == 2
    assert line.startswith("berth: No Docker engine answers at unix:///nonexistent/docker.sock. Start one")


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql://berth:pw-7c1@127.0.0.1:{port}/berth"),
        ("REDIS_URL", "redis://:pw-7c1@127.0.0.1:{port}/0"),
    ],
)
def test_server_that_does_not_answer_is_named(install: Install, name: str, url: str) -> None:
    code, line = install.run(**{name: url.format(port=ports.free_port())})
    assert code == 1
    assert line.startswith(f"berth: {name}: ")
    assert "refused" in line
    assert "pw-7c1" not in install.output


def test_bad_setting_is_named(install: Install) -> None:
    assert install.run(BERTH_PORT="eighty") == (
        1,
        "berth: BERTH_PORT must be a whole number from 1 to 65535, not 'eighty'",
    )


def test_bad_setting_of_berth_itself_is_named(install: Install) -> None:
    code, line = install.run(DEPLOY_LIMIT="many")
    assert code == 1
    assert "DEPLOY_LIMIT" in line


def test_home_in_use_is_named(install: Install) -> None:
    home = Home(install.folder)
    home.create()
    with home.locked():
        code, line = install.run()
    assert code == 1
    assert "another `make up`" in line
