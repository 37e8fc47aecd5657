"""Which headers cross the edge, seen from the tool and from the visitor."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.core.config import load_settings
from app.edge.headers import Visit, drop_own_cookies, to_request_headers, to_response_headers
from app.factory import create_app
from tests.app.edge.conftest import Publish
from tests.app.edge.tool import ToolServer

HOST_VISIT = Visit(host="acme-crm.apps.example.com:8443", scheme="https", prefix="")


def sent(headers: list[tuple[str, str]], visit: Visit = HOST_VISIT) -> dict[str, str]:
    return to_request_headers(headers, "127.0.0.1:20001", visit)


def kept_cookie(value: str) -> bool:
    return bool(to_response_headers([("Set-Cookie", value)], HOST_VISIT))


def seen_by(tool: ToolServer) -> dict[str, str]:
    headers: dict[str, str] = {name.lower(): value for name, value in tool.last["headers"]}
    return headers


def test_the_tool_learns_how_it_was_addressed() -> None:
    assert sent([("Host", "acme-crm.apps.example.com:8443"), ("Accept", "x")]) == {
        "Accept": "x",
        "Host": "127.0.0.1:20001",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "acme-crm.apps.example.com:8443",
    }
    path_visit = Visit(host="berth.example.com", scheme="https", prefix="/d/acme-crm")
    assert sent([], path_visit)["X-Forwarded-Prefix"] == "/d/acme-crm"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "CF-Connecting-IP",
            "CF-IPCountry",
            "CF-Ray",
            "CF-Visitor",
            "X-Forwarded-For",
            "X-Real-IP",
            "Forwarded",
        ),
        *("X-Vendo-User-Id", "x-vendo-user-jwt", "X-VENDO-ROLE", "X_Vendo_User_Id", "X-Vendo_Anything"),
        *("X-Forwarded-Prefix", "X-Forwarded-Port", "X_Forwarded_For"),
        *("Connection", "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Proxy-Authorization"),
        *("Proxy-Connection", "Expect"),
    ],
)
def test_a_forged_or_private_header_never_reaches_the_tool(name: str) -> None:
    assert name not in sent([(name, "203.0.113.9"), ("Accept", "x")])


def test_headers_named_by_connection_stop_here() -> None:
    headers = sent([("Connection", "close, X-Mine"), ("X-Mine", "1"), ("X-Other", "2")])
    assert "X-Mine" not in headers
    assert headers["X-Other"] == "2"


def test_everything_else_is_passed() -> None:
    pairs = [
        ("Authorization", "Basic abc"),
        ("Accept-Encoding", "br"),
        ("Range", "bytes=0-"),
        ("Origin", "x"),
    ]
    assert sent(pairs).items() >= dict(pairs).items()


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("a=1; b=2", "a=1; b=2"),
        ("berth_session=s3cret", ""),
        ("a=1; berth_session=s3cret; b=2", "a=1; b=2"),
        ("berth_session=x; vendo_proxy_session=y;vendo_oauth_n0=z; a=1", "a=1"),
        ("a=1, berth_session=s3cret", "a=1"),
        ("a=1;berth_session = s3cret", "a=1"),
        ("my_berth_session=1; berth_session_2=2", "my_berth_session=1; berth_session_2=2"),
    ],
)
def test_berths_own_cookies_stay_with_berth(value: str, left: str) -> None:
    assert drop_own_cookies(value) == left
    assert sent([("Cookie", value)]).get("Cookie", "") == left


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [
        ("theme=dark; Path=/; HttpOnly", True),
        ("theme=dark; Domain=acme-crm.apps.example.com", True),
        ("theme=dark; domain=.Acme-CRM.apps.example.com", True),
        ("theme=dark; Domain=", True),
        ("theme=dark; Domain=apps.example.com", False),
        ("theme=dark;DOMAIN = .example.com ; Path=/", False),
        ("theme=dark; Domain=; Domain=example.com", False),
        ("berth_session=x", False),
        (" vendo_proxy_session =x", False),
        ("vendo_oauth_abc=x; Path=/api", False),
        ("berth_session2=x", True),
    ],
)
def test_a_tool_sets_cookies_for_itself_only(value: str, is_kept: bool) -> None:
    assert kept_cookie(value) == is_kept


def test_the_visitors_request_crosses_the_edge(
    client: FlaskClient, tool: ToolServer, publish: Publish
) -> None:
    label = publish(tool.target)
    client.set_cookie("berth_session", "s3cret")
    client.set_cookie("a", "1")
    forged = {"X-Vendo-User-Id": "forged", "X-Forwarded-For": "203.0.113.9"}
    client.post(f"/d/{label}/echo", headers={**forged, "User-Agent": "mine"}, data=b"payload")
    assert seen_by(tool) == {
        "host": tool.target,
        "user-agent": "mine",
        "cookie": "a=1",
        "content-length": "7",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "localhost",
        "x-forwarded-prefix": f"/d/{label}",
    }


def test_no_header_is_made_up_for_the_tool(client: FlaskClient, tool: ToolServer, publish: Publish) -> None:
    label = publish(tool.target)
    client.get("/echo", headers={"Host": f"{label}.localhost"}, environ_overrides={"HTTP_USER_AGENT": ""})
    assert not {"accept-encoding", "accept", "content-length", "x-forwarded-prefix"} & set(seen_by(tool))


@pytest.mark.parametrize(
    ("said", "trusted", "seen"),
    [("https", "", "http"), ("https", "127.0.0.0/8", "https"), ("gopher", "127.0.0.0/8", "http")],
)
def test_only_a_trusted_proxy_says_which_scheme_was_used(
    environment: dict[str, str], tool: ToolServer, publish: Publish, said: str, trusted: str, seen: str
) -> None:
    label = publish(tool.target)
    berth = create_app(load_settings({**environment, "TRUSTED_PROXIES": trusted})).test_client()
    berth.get(f"/d/{label}/", headers={"X-Forwarded-Proto": said})
    assert seen_by(tool)["x-forwarded-proto"] == seen


def test_the_tools_answer_crosses_the_edge(client: FlaskClient, tool: ToolServer, publish: Publish) -> None:
    response = client.get("/headers", headers={"Host": f"{publish(tool.target)}.localhost:8080"})
    assert response.status_code == 203
    names = {name.lower() for name, _ in response.headers}
    assert names == {"cache-control", "x-request-id", "set-cookie", "content-length"}
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert response.headers["X-Request-Id"] == "tools-own"
    assert response.headers.getlist("Set-Cookie") == ["theme=dark; Path=/"]


def test_an_answer_without_a_request_id_gets_one(
    client: FlaskClient, tool: ToolServer, publish: Publish
) -> None:
    response = client.get(f"/d/{publish(tool.target)}/empty")
    assert (response.status_code, response.data) == (204, b"")
    assert [name for name, _ in response.headers] == ["X-Request-Id"]


@pytest.mark.parametrize(
    ("word", "status", "expected"),
    [
        ("redirect", 302, ("Location", "/elsewhere?a=b%20c")),
        ("unchanged", 304, ("ETag", '"1"')),
        ("gzip", 200, ("Content-Encoding", "gzip")),
    ],
)
def test_statuses_and_encodings_are_passed_as_they_are(
    client: FlaskClient, tool: ToolServer, publish: Publish, word: str, status: int, expected: Any
) -> None:
    response = client.get(f"/d/{publish(tool.target)}/{word}")
    assert (response.status_code, response.headers[expected[0]]) == (status, expected[1])
    assert response.data == (b"\x1f\x8b\x00\x00" if word == "gzip" else b"")


def test_the_answer_to_head_keeps_its_length(client: FlaskClient, tool: ToolServer, publish: Publish) -> None:
    response = client.head(f"/d/{publish(tool.target)}/echo")
    assert (response.data, tool.last["method"]) == (b"", "HEAD")
    assert int(response.headers["Content-Length"]) > 0
