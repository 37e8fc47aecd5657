"""One install from its first start to its last stop, on the real engine."""

import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.engine_api import EngineApi
from stack.ports import wait_until
from tests.stack.installs import Install, new_install, remove_from_engine

ROLES = {"web", "worker", "beat", "postgres", "valkey", "supervisor"}


@pytest.fixture(scope="module")
def install(api: EngineApi) -> Iterator[Install]:
    """An install whose first start is done."""
    with tempfile.TemporaryDirectory(prefix="berth-test-") as folder:
        made = new_install(Path(folder))
        made.start()
        try:
            made.wait_ready()
            yield made
        finally:
            if made.process is not None and made.process.poll() is None:
                made.stop()
            remove_from_engine(api, made.folder)


def get(install: Install, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", install.port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def test_first_start_deploys_the_demo_and_prints_each_phase(install: Install) -> None:
    for phase in ("validate_template", "deploy_compute", "health_check_done", "provision_bundle"):
        assert re.search(rf"demo     \|   {phase} +\d+ ms", install.output)
    assert "it sees the connection openrouter: connected" in install.output
    assert "a balance of 25.00 USD" in install.output
    assert install.note["demo_url"] in install.output


def test_ready_note_is_complete_and_private(install: Install) -> None:
    note = install.note
    assert set(note) == {"url", "email", "password", "tenant_slug", "demo_url", "docker_host", "pids"}
    assert set(note["pids"]) >= ROLES
    assert (install.folder / "ready.json").stat().st_mode & 0o777 == 0o600


def test_demo_page_is_served_through_berth(install: Install) -> None:
    path = install.note["demo_url"].removeprefix(install.note["url"])
    status, page = get(install, path)
    assert status == 200
    assert b"This page runs in a container that Berth built" in page


def test_operator_commands_act_on_the_install(install: Install) -> None:
    flask = [str(Path(sys.executable).with_name("flask")), "users", "list"]
    environment = {"BERTH_HOME": str(install.folder), "PATH": os.environ["PATH"]}
    said = subprocess.run(flask, env=environment, capture_output=True, text=True, check=True)
    assert "demo@berth.localhost" in said.stdout


@pytest.mark.parametrize("role", ["worker", "beat", "web", "valkey", "postgres"])
def test_killed_process_is_replaced_and_the_note_says_so(install: Install, role: str) -> None:
    before = install.note["pids"][role]
    os.kill(before, signal.SIGKILL)
    assert wait_until(lambda: install.note["pids"].get(role, before) != before, 20)
    assert wait_until(lambda: get(install, "/api/tools/deployable")[0] == 200, 30)


def test_no_generated_secret_stands_in_a_log(install: Install) -> None:
    state = (install.folder / "state.json").read_text()
    secrets = re.findall(r'"(?:encryption_key|\w+_password)": "(?:k1:)?([^"]+)"', state)
    logs = "".join(path.read_text() for path in (install.folder / "logs").iterdir())
    assert len(secrets) == 5
    assert not [secret for secret in secrets if secret in logs]


def test_stop_leaves_no_process_and_a_second_start_deploys_nothing(install: Install) -> None:
    assert install.stop() == 0
    assert not install.is_ready
    assert install.running_processes() == []
    install.start()
    install.wait_ready(60)
    assert "hello is deployed already, nothing to do" in install.output
    assert "a balance of 25.00 USD" in install.output
    assert "deploying hello" not in install.output


def test_killed_supervisor_leaves_no_process(install: Install) -> None:
    assert install.process is not None
    install.process.kill()
    install.process.wait()
    assert wait_until(lambda: install.running_processes() == [], 30)
    install.start()
    install.wait_ready(60)
