"""What is kept of the lines that workflows and containers write."""

import pytest

from app.deployments.logs import MAX_MESSAGE, LogFilter, append_container_logs, list_logs, storable
from tests.app.deployments.log_rows import container_line
from tests.factories import make_deployment


@pytest.fixture
def deployment_id(platform, workspace, tool):
    return make_deployment(platform, workspace, tool)


@pytest.fixture
def stored(platform, deployment_id):
    """The messages of the deployment's containers."""

    def run() -> list[str]:
        with platform.database.transaction() as session:
            rows = list_logs(session, deployment_id, LogFilter(source="container"))
        return [row["message"] for row in rows]

    return run


def test_a_line_seen_twice_is_stored_once(platform, stored, deployment_id):
    for numbers in ([0, 1], [1, 9]):
        with platform.database.transaction() as session:
            append_container_logs(session, [container_line(deployment_id, number) for number in numbers])
    assert stored() == ["line 0", "line 1", "line 9"]


def test_nothing_to_append_is_no_statement(session):
    append_container_logs(session, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a\x00b", "a\ufffdb"),
        ("\ud800", "?"),
        ("grüße 🚀\t\n", "grüße 🚀\t\n"),
        ("x" * MAX_MESSAGE, "x" * MAX_MESSAGE),
        ("x" * (MAX_MESSAGE + 1), "x" * MAX_MESSAGE + " …"),
    ],
)
def test_stored_text_is_what_the_database_takes(text, expected):
    assert storable(text) == expected


def test_whatever_a_container_says_is_stored(platform, stored, deployment_id):
    said = ["a\x00b", "\ud800", "é" * 40_000]
    rows = [container_line(deployment_id, number, message=text) for number, text in enumerate(said)]
    with platform.database.transaction() as session:
        append_container_logs(session, rows)
    assert stored() == [storable(text) for text in said]
