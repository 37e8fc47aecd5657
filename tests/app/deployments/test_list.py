"""deploy.md 3.1: the owner's list, filtered and paged."""

import base64
import json

import pytest

from tests.app.deployments.orders import run_sql
from tests.factories import make_deployment, make_user, sign_in


@pytest.fixture
def listed(workspace):
    """The slugs of a page, and the whole answer."""

    def run(query: str = "", client=None) -> list[str]:
        answer = (client or workspace.client).get(f"/api/deployments{query}")
        assert answer.status_code == 200, answer.text
        assert set(answer.json) == {"deployments", "nextCursor"}
        run.cursor = answer.json["nextCursor"]
        return [row["deploymentSlug"] for row in answer.json["deployments"]]

    return run


def test_a_user_without_a_workspace_has_an_empty_list(app, platform, listed):
    assert listed(client=sign_in(app, platform, make_user(platform))) == []
    assert listed.cursor is None


def test_the_newest_comes_first(platform, workspace, tool, listed):
    for slug in ("one", "two", "three"):
        make_deployment(platform, workspace, tool, deploymentSlug=slug)
    assert listed() == ["three", "two", "one"]


def test_a_destroyed_deployment_is_read_by_id_and_hidden_from_the_list(platform, workspace, tool, listed):
    gone = make_deployment(platform, workspace, tool, "destroyed", deploymentSlug="gone")
    make_deployment(platform, workspace, tool, deploymentSlug="live")
    assert workspace.client.get(f"/api/deployments/{gone}").json["deployment"]["status"] == "destroyed"
    assert listed() == ["live"]
    assert listed("?includeDestroyed=1") == ["live", "gone"]
    assert listed("?status=destroyed") == ["gone"]
    assert listed("?includeDestroyed=0") == ["live"]


def test_statuses_may_be_combined(platform, workspace, tool, listed):
    for status in ("running", "failed", "suspended", "destroyed"):
        make_deployment(platform, workspace, tool, status, deploymentSlug=status)
    assert listed("?status=failed") == ["failed"]
    assert listed("?status=failed&status=running") == ["failed", "running"]
    assert listed("?status=destroyed&status=running") == ["destroyed", "running"]


def test_a_list_may_show_one_tool(platform, workspace, tool, publish, listed):
    make_deployment(platform, workspace, tool, deploymentSlug="one")
    other_tool = publish()
    make_deployment(platform, workspace, other_tool, deploymentSlug="two")
    assert listed(f"?toolSlug={other_tool}") == ["two"]
    assert listed("?toolSlug=no-such-tool") == []


def test_parameters_without_a_value_count_as_omitted(platform, workspace, tool, listed):
    make_deployment(platform, workspace, tool, deploymentSlug="one")
    assert listed("?status=&toolSlug=&includeDestroyed=1&limit=50&cursor=") == ["one"]
    assert listed("?limit=&other=1") == ["one"]


def cursor_of(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


BAD = [
    *(("status", value) for value in ["gone", "RUNNING", "running,failed", "%00"]),
    *(("limit", value) for value in ["0", "201", "-1", "1.5", "ten", "%D9%A3", "+5", "999999999999"]),
    ("toolSlug", "a%00b"),
    *(
        ("cursor", value)
        for value in [
            "x",
            "!",
            "%00",
            "%C3%A9",
            cursor_of([]),
            cursor_of("x"),
            cursor_of(5),
            cursor_of(None),
            cursor_of({}),
            cursor_of(["2026-05-20T00:00:00+00:00"]),
            cursor_of(["2026-05-20T00:00:00+00:00", "x"]),
            cursor_of(["2026-05-20T00:00:00+00:00", 5]),
            cursor_of([5, "0" * 32]),
            cursor_of(["yesterday", "0" * 32]),
            base64.urlsafe_b64encode(b"[" * 3000).decode(),
            base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        ]
    ),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_parameter_is_named(workspace, name, value):
    answer = workspace.client.get(f"/api/deployments?{name}={value}")
    assert answer.status_code == 400
    assert (answer.json["code"], answer.json["param"]) == ("INVALID_QUERY", name)
    assert set(answer.json) == {"message", "code", "param"}


def test_pages_show_every_row_once(platform, workspace, tool, listed):
    slugs = [f"app-{number}" for number in range(7)]
    for slug in slugs:
        make_deployment(platform, workspace, tool, deploymentSlug=slug)
    # The same instant for all: then the id alone must keep the order.
    run_sql(
        platform, "UPDATE deployments SET created_at = now() WHERE tenant_id = :id", id=workspace.tenant_id
    )
    seen, query = [], "?limit=3"
    while True:
        seen += listed(query)
        if listed.cursor is None:
            break
        query = f"?limit=3&cursor={listed.cursor}"
    assert sorted(seen) == slugs
    assert seen == listed("?limit=200")


def test_a_full_last_page_has_no_cursor(platform, workspace, tool, listed):
    for slug in ("one", "two"):
        make_deployment(platform, workspace, tool, deploymentSlug=slug)
    assert listed("?limit=2") == ["two", "one"]
    assert listed.cursor is None
    assert listed("?limit=1") == ["two"]
    assert listed(f"?cursor={listed.cursor}") == ["one"]


def test_a_cursor_of_somebody_else_shows_nothing_of_theirs(app, platform, workspace, other, tool, listed):
    for slug in ("one", "two"):
        make_deployment(platform, other, tool, deploymentSlug=slug)
    cursor = other.client.get("/api/deployments?limit=1").json["nextCursor"]
    assert listed(f"?cursor={cursor}") == []
