"""The app proxy through the Flask test client: who is served what."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.core.platform import Platform
from app.deployments.models import Deployment, DeploymentStatus, Route
from app.edge import forward
from stack.ports import wait_until
from tests.app.edge.conftest import Publish
from tests.app.edge.tool import ToolServer, closed_port

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JSON = {"Accept": "application/json"}


def test_a_serving_label_reaches_its_tool(client: FlaskClient, tool: ToolServer, publish: Publish) -> None:
    label = publish(tool.target)
    body = client.get(f"/d/{label}/some/page?a=1&b=%20").json
    assert body is not None
    assert (body["method"], body["target"]) == ("GET", "/some/page?a=1&b=%20")


def test_the_host_form_reaches_the_same_tool(client: FlaskClient, tool: ToolServer, publish: Publish) -> None:
    label = publish(tool.target)
    for host in (f"{label}.localhost", f"{label.upper()}.LocalHost:8080", f"{label}.localhost."):
        assert client.get("/d/x//y?z", headers={"Host": host}).status_code == 200
        assert tool.last["target"] == "/d/x//y?z"


@pytest.mark.parametrize(
    "host", ["auth", "credentials", "hooks", "openai-proxy", "nobody-here", "a.b", "x_y", "%00"]
)
def test_an_unknown_host_under_the_base_domain_is_not_found(client: FlaskClient, host: str) -> None:
    response = client.get("/api/auth/me", headers={"Host": f"{host}.localhost:8080", **JSON})
    assert (response.status_code, response.json) == (404, {"message": "Not found"})


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "127.0.0.1:8080", "10.1.2.3", "[::1]:8080", "berth"]
)
def test_berths_own_hosts_serve_berth(client: FlaskClient, host: str) -> None:
    assert client.get("/openapi.json", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "X-OWN"])
def test_every_method_is_passed(client: FlaskClient, tool: ToolServer, publish: Publish, method: str) -> None:
    assert client.open(f"/d/{publish(tool.target)}/", method=method).status_code == 200
    assert tool.last["method"] == method


def test_a_label_without_a_slash_is_redirected_with_its_query(client: FlaskClient) -> None:
    response = client.post("/d/acme-crm?a=%20b")
    assert (response.status_code, response.headers["Location"]) == (308, "/d/acme-crm/?a=%20b")


@pytest.mark.parametrize(
    "path", ["/", "//", "/a//b", "/a/../b", "/a%2Fb", "/%61", "/a;b=c", "/a%00", "/%zz", "/?", "/?a=b?c#d"]
)
def test_the_target_reaches_the_tool_as_it_was_sent(
    client: FlaskClient, tool: ToolServer, publish: Publish, path: str
) -> None:
    label = publish(tool.target)
    client.get(
        "/d/ignored", environ_overrides={"RAW_URI": f"/d/{label}{path}", "PATH_INFO": f"/d/{label}{path}"}
    )
    assert tool.last["target"] == path


def test_a_label_spelled_in_escapes_is_not_found(
    client: FlaskClient, tool: ToolServer, publish: Publish
) -> None:
    label = publish(tool.target)
    spelled = {"RAW_URI": f"/d/%{ord(label[0]):x}{label[1:]}/", "PATH_INFO": f"/d/{label}/"}
    assert client.get("/", environ_overrides=spelled).status_code == 404


@pytest.mark.parametrize("status", sorted(set(DeploymentStatus) - {"running"}))
def test_a_status_that_does_not_serve_is_a_page(
    client: FlaskClient, tool: ToolServer, publish: Publish, status: str
) -> None:
    label = publish(tool.target, status)
    for accept in (HTML, JSON, {}):
        response = client.get(f"/d/{label}/", headers=accept)
        assert response.status_code == 503
        assert (response.headers["Retry-After"], response.headers["Cache-Control"]) == ("30", "no-store")
    assert client.get(f"/d/{label}/", headers=JSON).json == {"status": status}
    assert "<h1>" in client.get(f"/d/{label}/", headers={"Accept": "*/*"}).text
    assert tool.seen == []


@pytest.mark.parametrize("status", ["running", "upgrading", "failed"])
def test_the_route_decides_and_not_the_deployment(
    client: FlaskClient, tool: ToolServer, publish: Publish, status: str
) -> None:
    last_good = publish(tool.target, status=status)
    assert client.get(f"/d/{last_good}/", headers=JSON).status_code == 200
    without_target = publish(None, status=status)
    assert client.get(f"/d/{without_target}/", headers=JSON).status_code == 503


def test_a_label_without_a_route_is_not_found(client: FlaskClient) -> None:
    response = client.get("/d/nobody-here/", headers=HTML)
    assert (response.status_code, response.headers["Cache-Control"]) == (404, "no-store")
    assert "<script" not in response.text
    assert "script-src" not in response.headers["Content-Security-Policy"]


def test_a_change_of_route_is_seen_within_a_second(
    client: FlaskClient, platform: Platform, tool: ToolServer, publish: Publish
) -> None:
    label = publish(tool.target)
    assert client.get(f"/d/{label}/").status_code == 200
    with platform.database.transaction() as session:
        session.execute(update(Route).where(Route.label == label).values(status="suspended"))
    assert wait_until(lambda: client.get(f"/d/{label}/").status_code == 503, 1.5)
    with platform.database.transaction() as session:
        session.execute(update(Route).where(Route.label == label).values(status="running"))
    assert client.get(f"/d/{label}/").status_code == 200


def test_a_tool_for_signed_in_people_is_never_leaked(
    client: FlaskClient, tool: ToolServer, publish: Publish
) -> None:
    label = publish(tool.target, vendo_auth_default=True)
    program = client.get(f"/d/{label}/", headers={"Accept": "*/*"})
    assert (program.status_code, program.json) == (401, {"error": "unauthorized"})
    script = client.get(f"/d/{label}/", headers={**HTML, "Sec-Fetch-Mode": "cors"})
    assert script.json == {"error": "unauthorized"}
    for headers in (HTML, {**HTML, "Sec-Fetch-Mode": "navigate"}):
        person = client.get(f"/d/{label}/", headers=headers)
        assert person.status_code == 401
        assert "Sign-in required" in person.text
    assert tool.seen == []


@pytest.mark.parametrize(("default", "override", "status"), [(True, False, 200), (False, True, 401)])
def test_the_override_of_sign_in_wins(
    client: FlaskClient, tool: ToolServer, publish: Publish, default: bool, override: bool, status: int
) -> None:
    label = publish(tool.target, vendo_auth_default=default, vendo_auth_override=override)
    assert client.get(f"/d/{label}/").status_code == status


@pytest.mark.parametrize(
    "path", ["__vendo", "__vendo/", "__vendo/auth/callback", "/__vendo/x", "%5F_vendo/x"]
)
def test_berths_own_paths_are_never_forwarded(
    client: FlaskClient, tool: ToolServer, publish: Publish, path: str
) -> None:
    assert client.get(f"/d/{publish(tool.target)}/{path}").status_code == 404
    assert tool.seen == []


def test_ready_says_whether_the_edge_serves_the_label(
    client: FlaskClient, platform: Platform, tool: ToolServer, publish: Publish
) -> None:
    label = publish(tool.target, "deploying", vendo_auth_default=True)
    assert client.get(f"/d/{label}/__vendo/ready").status_code == 503
    with platform.database.transaction() as session:
        session.execute(update(Route).where(Route.label == label).values(status="running"))
    assert client.get(f"/d/{label}/__vendo/ready").status_code == 204
    assert client.get("/d/nobody-here/__vendo/ready").status_code == 404


def test_a_tool_that_refuses_is_a_502(client: FlaskClient, publish: Publish) -> None:
    response = client.get(f"/d/{publish(f'127.0.0.1:{closed_port()}')}/", headers=HTML)
    assert (response.status_code, response.headers["Cache-Control"]) == (502, "no-store")
    assert "<h1>No connection</h1>" in response.text


def test_an_answer_that_is_not_http_is_a_502(client: FlaskClient, tool: ToolServer, publish: Publish) -> None:
    response = client.get(f"/d/{publish(tool.target)}/garbage", headers=JSON)
    assert response.status_code == 502
    assert response.json is not None


def test_a_tool_that_never_answers_is_a_504(
    client: FlaskClient, tool: ToolServer, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert forward.FIRST_BYTE_SECONDS == 100
    monkeypatch.setattr(forward, "FIRST_BYTE_SECONDS", 0.2)
    assert client.get(f"/d/{publish(tool.target)}/never", headers=JSON).status_code == 504
    assert tool.visitor_left.wait(5)


def test_no_database_connection_is_held_while_an_answer_streams(
    client: FlaskClient, platform: Platform, tool: ToolServer, publish: Publish
) -> None:
    pool: Any = platform.database.engine.pool
    before = pool.checkedout()
    response = client.get(f"/d/{publish(tool.target)}/stream", buffered=False)
    chunks = iter(response.response)
    assert next(chunks) == b"first\n\n"
    assert pool.checkedout() == before
    tool.speak.set()
    assert list(chunks) == [b"second\n\n"]
    response.close()


def test_without_a_server_that_gives_out_sockets_a_websocket_is_a_501(
    client: FlaskClient, tool: ToolServer, publish: Publish
) -> None:
    headers = {"Connection": "keep-alive, Upgrade", "Upgrade": "WebSocket"}
    assert client.get(f"/d/{publish(tool.target)}/socket", headers=headers).status_code == 501
    assert tool.seen == []


def test_a_destroyed_deployments_label_is_gone(
    client: FlaskClient, platform: Platform, tool: ToolServer, publish: Publish
) -> None:
    label = publish(tool.target)
    with platform.database.transaction() as session:
        session.execute(Route.__table__.delete().where(Route.label == label))  # type: ignore[attr-defined]
        session.execute(update(Deployment).where(Deployment.subdomain == label).values(status="destroyed"))
    assert client.get(f"/d/{label}/").status_code == 404
