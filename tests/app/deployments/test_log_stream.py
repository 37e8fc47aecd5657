"""deploy.md 3.7, `follow=1`: server-sent events that resume where the client stopped."""

import json
from collections.abc import Iterator

import pytest

from app.deployments import log_stream
from app.deployments.logs import DeployLine, LogOwner, append_container_logs, append_deploy_logs
from tests.app.deployments.log_rows import container_line
from tests.factories import make_deployment


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Ask the database more often than a person would notice."""
    monkeypatch.setattr(log_stream, "POLL_SECONDS", 0.01)


@pytest.fixture
def deployment_id(platform, workspace, tool):
    return make_deployment(platform, workspace, tool)


@pytest.fixture
def write(platform, deployment_id):
    def run(*texts: str, step: str = "step", level: str = "info") -> None:
        owner = LogOwner(deployment_id, 1, "deploy")
        with platform.database.transaction() as session:
            for text in texts:
                append_deploy_logs(session, owner, [DeployLine(step, text, level)])

    return run


@pytest.fixture
def follow(workspace, deployment_id):
    """Open a stream; its blocks come as they are sent. Every stream is closed with the test."""
    opened = []

    def run(query: str = "", last_event_id: str | None = None) -> Iterator[str]:
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        path = f"/api/deployments/{deployment_id}/logs?follow=1{query}"
        answer = workspace.client.get(path, headers=headers, buffered=False)
        assert answer.status_code == 200, answer.text
        opened.append(answer)
        run.answer = answer
        return (block.decode() for block in answer.response)

    yield run
    for answer in opened:
        answer.close()


def events(stream: Iterator[str], count: int) -> list[tuple[str, dict]]:
    """The next events as (id, row); a ping in between is passed over."""
    found: list[tuple[str, dict]] = []
    while len(found) < count:
        block = next(stream)
        if block != log_stream.PING:
            number, name, data = block.removesuffix("\n\n").split("\n")
            assert name == "event: log"
            found.append((number.removeprefix("id: "), json.loads(data.removeprefix("data: "))))
    return found


def texts(stream: Iterator[str], count: int) -> list[str]:
    return [row["message"] for _, row in events(stream, count)]


def test_the_first_ping_comes_at_once(follow):
    assert next(follow()) == ": ping\n\n"


def test_the_answer_is_an_event_stream_that_no_proxy_holds_back(follow):
    follow()
    headers = follow.answer.headers
    assert headers["Content-Type"].startswith("text/event-stream")
    assert "no-cache" in headers["Cache-Control"]
    assert headers["X-Accel-Buffering"] == "no"
    assert "Content-Length" not in headers


def test_what_was_said_before_comes_first_and_what_is_said_then_follows(follow, write):
    write("one", "two")
    stream = follow()
    assert texts(stream, 2) == ["one", "two"]
    write("three")
    assert texts(stream, 1) == ["three"]


def test_an_event_is_the_row_of_the_page(follow, write, workspace, deployment_id):
    write("one")
    (number, row), *_ = events(follow(), 1)
    (listed,) = workspace.client.get(f"/api/deployments/{deployment_id}/logs").json["logs"]
    assert row == listed
    assert number == str(listed["id"])


def test_a_line_break_stays_inside_its_event(follow, write):
    write("one\n\nid: 7\nevent: evil", "two")
    assert texts(follow(), 2) == ["one\n\nid: 7\nevent: evil", "two"]


def test_a_client_resumes_behind_its_last_event(follow, write):
    write("one", "two", "three")
    numbers = [number for number, _ in events(follow(), 3)]
    assert texts(follow(last_event_id=numbers[0]), 2) == ["two", "three"]
    resumed = follow(last_event_id=numbers[2])
    write("four")
    assert texts(resumed, 1) == ["four"]


def test_the_last_event_counts_before_the_cursor(follow, write):
    write("one", "two", "three")
    numbers = [number for number, _ in events(follow(), 3)]
    assert texts(follow(f"&cursor={numbers[0]}"), 2) == ["two", "three"]
    assert texts(follow(f"&cursor={numbers[0]}", last_event_id=numbers[1]), 1) == ["three"]


@pytest.mark.parametrize("number", ["", "x", "-1", "²", "9" * 40, "1.5", "1 OR 1=1"])
def test_a_last_event_that_is_no_number_starts_over(follow, write, number):
    write("one")
    assert texts(follow(last_event_id=number), 1) == ["one"]


def test_a_stream_is_filtered_like_a_page(follow, write):
    write("quiet")
    write("loud", step="health_attempt_1", level="warn")
    stream = follow("&level=warn&step=health_*")
    write("quiet again")
    write("louder", step="health_attempt_2", level="warn")
    assert texts(stream, 2) == ["loud", "louder"]


def test_a_stream_runs_forward_whatever_order_is_asked_for(follow, write):
    write("one", "two")
    assert texts(follow("&order=desc&limit=1"), 2) == ["one", "two"]


def test_container_lines_are_followed_too(follow, platform, deployment_id):
    stream = follow("&source=container")
    with platform.database.transaction() as session:
        append_container_logs(session, [container_line(deployment_id, 1)])
    assert texts(stream, 1) == ["line 1"]


def test_a_quiet_stream_pings(follow, monkeypatch):
    monkeypatch.setattr(log_stream, "PING_SECONDS", 0.02)
    stream = follow()
    assert [next(stream) for _ in range(3)] == [": ping\n\n"] * 3


def test_a_long_log_comes_whole_and_in_order(follow, write):
    said = [str(number) for number in range(1100)]
    write(*said)
    assert texts(follow(), 1100) == said


def test_a_waiting_stream_holds_no_connection(platform, follow):
    streams = [follow() for _ in range(30)]
    assert all(next(stream) == ": ping\n\n" for stream in streams)
    assert platform.database.engine.pool.checkedout() == 0


@pytest.mark.parametrize("query", ["&limit=x", "&source=build", "&since=1"])
def test_a_bad_value_is_refused_before_the_stream_opens(workspace, deployment_id, query):
    answer = workspace.client.get(f"/api/deployments/{deployment_id}/logs?follow=1{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "INVALID_QUERY")
