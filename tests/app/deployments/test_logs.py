"""deploy.md 3.7: the three logs of a deployment, filtered and paged."""

from datetime import timedelta

import pytest

from app.deployments.logs import (
    DeployLine,
    LogOwner,
    append_container_logs,
    append_deploy_logs,
)
from app.deployments.naming import format_deployment_id
from tests.app.deployments.log_rows import NOON, container_line
from tests.factories import make_deployment, make_workspace

LINES = [
    (1, "deploy", DeployLine("validate_template", "1.0.0", progress=5, duration_ms=12)),
    (1, "deploy", DeployLine("health_attempt_1", "connection refused", "warn", details={"service": "web"})),
    (1, "deploy", DeployLine("health_attempt_2", "status 500", "warn", details={"status": 500})),
    (1, "deploy", DeployLine("health_check_failed", "not ready after 300 s", "error")),
    (2, "deploy", DeployLine("validate_template", "1.0.1", progress=5)),
    (2, "restart", DeployLine("fetch_deployment", "50% done_now", "debug")),
]


@pytest.fixture
def deployment_id(platform, workspace, tool):
    return make_deployment(platform, workspace, tool)


@pytest.fixture
def written(platform, deployment_id):
    """Six lines of workflows, one second apart from noon on."""
    with platform.database.transaction() as session:
        for number, (attempt, workflow, line) in enumerate(LINES):
            append_deploy_logs(session, LogOwner(deployment_id, attempt, workflow), [line])
            session.connection().exec_driver_sql(
                "UPDATE deploy_logs SET created_at = %s WHERE id ="
                " (SELECT max(id) FROM deploy_logs WHERE deployment_id = %s)",
                (NOON + timedelta(seconds=number), str(deployment_id)),
            )
    return deployment_id


@pytest.fixture
def spoken(platform, deployment_id):
    """Four lines of two containers."""
    rows = [container_line(deployment_id, number) for number in range(3)]
    rows.append(container_line(deployment_id, 3, stream="stderr", message="boom"))
    with platform.database.transaction() as session:
        append_container_logs(session, rows)
    return deployment_id


@pytest.fixture
def logs(workspace):
    def run(deployment_id, query: str = "") -> dict:
        answer = workspace.client.get(f"/api/deployments/{deployment_id}/logs{query}")
        assert answer.status_code == 200, answer.text
        assert set(answer.json) == {"source", "logs", "nextCursor"}
        return answer.json

    return run


def messages(body) -> list[str]:
    return [row["message"] for row in body["logs"]]


def test_a_deployment_that_said_nothing_has_an_empty_log(logs, deployment_id):
    assert logs(deployment_id) == {"source": "deploy", "logs": [], "nextCursor": None}


def test_deploy_rows_have_their_fields_in_order(logs, written):
    body = logs(written)
    assert body["source"] == "deploy"
    assert messages(body) == [line.message for _, _, line in LINES]
    row = body["logs"][1]
    assert isinstance(row.pop("id"), int)
    assert row == {
        "attempt": 1,
        "workflow": "deploy",
        "step": "health_attempt_1",
        "level": "warn",
        "message": "connection refused",
        "progress": None,
        "durationMs": None,
        "metadata": {"service": "web"},
        "createdAt": "2026-05-20T12:00:01Z",
    }
    assert (body["logs"][0]["progress"], body["logs"][0]["durationMs"]) == (5, 12)


def test_container_rows_have_their_fields(logs, spoken):
    body = logs(spoken, "?source=container")
    assert body["source"] == "container"
    row = body["logs"][3]
    row.pop("id")
    assert row == {
        "timestamp": "2026-05-20T12:00:03Z",
        "service": "web",
        "containerId": f"{spoken.hex}1",
        "stream": "stderr",
        "message": "boom",
        "attempt": 1,
    }


def test_the_edge_log_answers(logs, deployment_id):
    assert logs(deployment_id, "?source=edge") == {"source": "edge", "logs": [], "nextCursor": None}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("source=deploy", [0, 1, 2, 3, 4, 5]),
        ("step=validate_template", [0, 4]),
        ("step=health_attempt_*", [1, 2]),
        ("step=health_*", [1, 2, 3]),
        ("step=*", [0, 1, 2, 3, 4, 5]),
        ("step=health", []),
        ("step=%25*", []),
        ("step=health_attempt__*", []),
        ("level=warn", [1, 2]),
        ("level=debug", [5]),
        ("attempt=2", [4, 5]),
        ("attempt=3", []),
        ("workflow=restart", [5]),
        ("workflow=no", []),
        ("q=READY", [3]),
        ("q=50%25", [5]),
        ("q=done_now", [5]),
        ("q=%25", [5]),
        ("q=_", [5]),
        ("q=%27", []),
        ("since=2026-05-20T12:00:04Z", [4, 5]),
        ("until=2026-05-20T12:00:01Z", [0, 1]),
        ("since=2026-05-20T14:00:01%2B02:00&until=2026-05-20T12:00:02.000Z", [1, 2]),
        ("since=2026-05-20T12:00:04Z&level=warn", []),
        ("attempt=1&level=warn&step=health_*&q=500", [2]),
        ("limit=2", [0, 1]),
        ("order=desc", [5, 4, 3, 2, 1, 0]),
        ("order=desc&limit=1", [5]),
        ("service=web&stream=stdout", [0, 1, 2, 3, 4, 5]),
        ("level=&step=&q=&since=&cursor=&limit=&order=&source=", [0, 1, 2, 3, 4, 5]),
        ("unknown=1&follow=0", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_deploy_rows_are_filtered(logs, written, query, expected):
    assert messages(logs(written, f"?{query}")) == [LINES[number][2].message for number in expected]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("service=web", ["line 1", "boom"]),
        ("service=worker", ["line 0", "line 2"]),
        ("service=no", []),
        ("stream=stderr", ["boom"]),
        ("stream=stdout&q=LINE%201", ["line 1"]),
        ("since=2026-05-20T12:00:02Z", ["line 2", "boom"]),
        ("order=desc&limit=2", ["boom", "line 2"]),
        ("step=x&level=warn&attempt=9", ["line 0", "line 1", "line 2", "boom"]),
    ],
)
def test_container_rows_are_filtered(logs, spoken, query, expected):
    assert messages(logs(spoken, f"?source=container&{query}")) == expected


BAD = [
    ("source", ["build", "DEPLOY", "%00"]),
    ("level", ["warning", "INFO", "%00"]),
    ("attempt", ["0", "-1", "x", "1.0", "1000001", "%D9%A3", "9" * 30]),
    ("since", ["yesterday", "2026-05-20", "2026-05-20T12:00:00", "1", "2026-13-01T00:00:00Z", "%00"]),
    ("until", ["tomorrow", "2026-05-20T25:00:00Z", "Z"]),
    ("limit", ["0", "1001", "-1", "x", "1e2", "9" * 30, "%C2%B2"]),
    ("cursor", ["x", "-1", "1.5", "9" * 19, "9" * 30, "%C2%B2"]),
    ("order", ["newest", "ASC"]),
    ("follow", ["yes", "true", "2"]),
    ("step", ["a%00b"]),
    ("workflow", ["%00"]),
    ("q", ["%00"]),
]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD for value in values])
def test_a_bad_value_names_its_parameter(workspace, deployment_id, name, value):
    answer = workspace.client.get(f"/api/deployments/{deployment_id}/logs?{name}={value}")
    assert answer.status_code == 400
    assert (answer.json["code"], answer.json["param"]) == ("INVALID_QUERY", name)
    assert set(answer.json) == {"message", "code", "param"}


@pytest.mark.parametrize("value", ["stdin", "STDOUT", "%00"])
def test_a_bad_stream_is_named(workspace, deployment_id, value):
    path = f"/api/deployments/{deployment_id}/logs?source=container&stream={value}"
    answer = workspace.client.get(path)
    assert (answer.status_code, answer.json["param"]) == (400, "stream")


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("name", ["since", "until"])
def test_the_ends_of_time_are_taken(logs, written, name, value):
    assert len(logs(written, f"?{name}={value}")["logs"]) in {0, len(LINES)}


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
def test_pages_hold_every_row_once(logs, written, order, limit):
    seen, cursor = [], ""
    for _ in range(10):
        body = logs(written, f"?limit={limit}&order={order}&cursor={cursor}")
        seen += messages(body)
        cursor = body["nextCursor"]
        if cursor is None:
            break
    expected = [line.message for _, _, line in LINES]
    assert seen == (expected if order == "asc" else expected[::-1])


def test_the_default_page_holds_two_hundred(platform, logs, deployment_id):
    owner = LogOwner(deployment_id, 1, "deploy")
    with platform.database.transaction() as session:
        for number in range(201):
            append_deploy_logs(session, owner, [DeployLine("step", str(number))])
    body = logs(deployment_id)
    assert len(body["logs"]) == 200
    assert messages(logs(deployment_id, f"?cursor={body['nextCursor']}")) == ["200"]
    assert len(logs(deployment_id, "?limit=1000")["logs"]) == 201


@pytest.mark.parametrize(
    "form",
    [format_deployment_id, str, lambda found: str(found).upper(), lambda found: f"DPL_{found.hex.upper()}"],
)
def test_the_id_is_read_in_every_form(logs, written, form):
    assert len(logs(form(written))["logs"]) == len(LINES)


def test_another_deployments_lines_are_not_shown(platform, workspace, tool, logs, written):
    second = make_deployment(platform, workspace, tool, deploymentSlug="second")
    assert logs(second)["logs"] == []


@pytest.mark.parametrize("query", ["", "?follow=1", "?source=container", "?limit=x"])
def test_without_a_session_nothing_is_shown(client, written, query):
    answer = client.get(f"/api/deployments/{written}/logs{query}")
    assert (answer.status_code, answer.json) == (401, {"message": "Unauthorized"})


@pytest.mark.parametrize("is_admin", [False, True])
@pytest.mark.parametrize("query", ["", "?follow=1", "?limit=x"])
def test_a_stranger_finds_no_log(app, platform, written, is_admin, query):
    stranger = make_workspace(app, platform, is_admin=is_admin)
    answer = stranger.client.get(f"/api/deployments/{written}/logs{query}")
    assert (answer.status_code, answer.json) == (404, {"message": "Not found"})
