"""What a tool says reaches its owner, live, and without its secrets."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from app.identity.principals import SESSION_COOKIE
from tests.e2e.manifests import tool, web
from tests.e2e.owner import Deployed, await_that, opened_owner
from tests.e2e.stack import Stack
from tests.e2e.witness import Witness


@pytest.fixture(scope="module")
def deployed(stack: Stack, witness: Witness, busybox: str) -> Iterator[Deployed]:
    command = "echo 'started with key' $VENDO_API_KEY; exec httpd -f -p 8080 -h /www"
    inputs = [{"key": "API_TOKEN", "inputType": "password"}]
    document = tool(web(busybox, startCommand=command), userInputs=inputs)
    with opened_owner(stack, witness) as owner:
        made = owner.deploy(stack.publish(document), userVariables={"API_TOKEN": "hunter2-and +more/"})
        made.await_status("running")
        yield made


def container_rows(deployed: Deployed, **query: Any) -> list[dict[str, Any]]:
    return deployed.logs(source="container", **query)


def test_both_streams_arrive_told_apart(deployed: Deployed) -> None:
    deployed.open("cgi-bin/say?marker-one")
    await_that(lambda: len(container_rows(deployed, q="marker-one")) == 2, 15, "both lines")
    rows = {row["stream"]: row for row in container_rows(deployed, q="marker-one")}
    assert rows["stdout"]["message"] == "out marker-one"
    assert rows["stderr"]["message"] == "err marker-one"
    assert rows["stdout"]["service"] == "web"
    assert rows["stdout"]["containerId"] == deployed.container()["Id"]
    assert len(container_rows(deployed, q="marker-one", stream="stderr")) == 1


def test_a_follower_gets_each_line_as_it_comes(deployed: Deployed) -> None:
    url = f"{deployed.owner.stack.url}/api/deployments/{deployed.id}/logs"
    query = {"source": "container", "follow": "1", "q": "marker-live"}
    headers = {"Cookie": f"{SESSION_COOKIE}={deployed.owner.cookie}"}
    with requests.get(url, params=query, headers=headers, stream=True, timeout=20) as stream:
        lines = (line.decode() for line in stream.iter_lines())
        assert next(lines) == ": ping"
        deployed.open("cgi-bin/say?marker-live")
        events = [line for line in lines_until(lines, "data: ", 2) if line]
    assert events.count("event: log") == 2
    said = {
        json.loads(line.removeprefix("data: "))["message"] for line in events if line.startswith("data: ")
    }
    assert said == {"out marker-live", "err marker-live"}


def lines_until(lines: Iterator[str], prefix: str, count: int) -> Iterator[str]:
    """Lines up to the `count`th with this prefix; the connection's timeout ends it otherwise."""
    for line in lines:
        yield line
        count -= line.startswith(prefix)
        if count == 0:
            return


def test_a_tool_that_prints_its_own_key_does_not_show_it(deployed: Deployed) -> None:
    deployed.open("cgi-bin/leak")
    await_that(lambda: bool(container_rows(deployed, q="my key is")), 15, "the line")
    assert [row["message"] for row in container_rows(deployed, q="my key is")] == ["my key is ***"]
    assert [row["message"] for row in container_rows(deployed, q="started")] == ["started with key ***"]


def test_a_line_is_stored_once_though_another_worker_collects_meanwhile(deployed: Deployed) -> None:
    stack = deployed.owner.stack
    deployed.open("cgi-bin/say?marker-before")
    await_that(lambda: len(container_rows(deployed, q="marker-before")) == 2, 15, "the lines before")
    stack.kill_workers()
    deployed.open("cgi-bin/say?marker-between")
    stack.keep_workers()
    await_that(lambda: len(container_rows(deployed, q="marker-between")) == 2, 30, "the lines between")
    assert len(container_rows(deployed, q="marker-before")) == 2
