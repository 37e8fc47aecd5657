import dataclasses
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.config import Settings
from app.factory import create_app

PAGES = ["/sign-in", "/sign-up"]


@pytest.mark.parametrize("page", PAGES)
def test_page_is_html_with_labelled_fields_and_no_inline_code(client: FlaskClient, page: str) -> None:
    answer = client.get(page)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert '<label for="email">' in answer.text
    assert '<label for="password">' in answer.text
    assert "<script>" not in answer.text
    assert "style=" not in answer.text
    assert "onsubmit" not in answer.text


@pytest.mark.parametrize("page", PAGES)
def test_page_allows_scripts_of_its_own_origin_only(client: FlaskClient, page: str) -> None:
    headers = client.get(page).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["account.js", "account.css"])
def test_assets_of_the_page_are_served(client: FlaskClient, name: str) -> None:
    assert f"/static/{name}" in client.get("/sign-in").text
    assert client.get(f"/static/{name}").status_code == 200


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("target", ["/d/acme-crm/?tab=1&x=2", "/", "/deploy"])
def test_next_is_a_path_with_query_on_this_origin(client: FlaskClient, page: str, target: str) -> None:
    text = client.get(f"{page}?{urlencode({'next': target})}").text
    assert f'data-next="{target.replace("&", "&amp;")}"' in text


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
     "javascript:alert(1)", "evil", "", " /x", "/\n/evil.example", "///evil.example"],
)  # fmt: skip
def test_any_other_next_goes_to_the_front_page(client: FlaskClient, page: str, target: str) -> None:
    assert 'data-next="/"' in client.get(f"{page}?{urlencode({'next': target})}").text


def test_next_cannot_break_out_of_its_attribute(client: FlaskClient) -> None:
    query = urlencode({"next": '/" onfocus="alert(1)'})
    text = client.get(f"/sign-in?{query}").text
    assert 'onfocus="alert' not in text


def test_sign_up_page_says_when_sign_up_is_off(app: Flask, settings: Settings) -> None:
    closed = create_app(dataclasses.replace(settings, sign_up_enabled=False)).test_client()
    assert "Sign-up is disabled" in closed.get("/sign-up").text
    assert "/sign-up" not in closed.get("/sign-in").text
