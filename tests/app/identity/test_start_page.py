"""The root: a page for people, a description for programs (rulings.md 7)."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import Workspace

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("accept", ["", "*/*", "application/json"])
def test_a_program_reads_what_this_is(client: FlaskClient, accept: str) -> None:
    answer = client.get("/", headers={"Accept": accept})
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json == {"name": "Berth", "docs": "/docs/", "openapi": "/openapi.json"}


def test_a_stranger_is_shown_the_way_in(client: FlaskClient) -> None:
    page = client.get("/", headers=HTML)
    assert page.status_code == 200
    assert 'href="/sign-in"' in page.text


def test_an_owner_sees_that_nothing_is_deployed_yet(workspace: Workspace) -> None:
    page = workspace.client.get("/", headers=HTML).text
    assert workspace.email in page
    assert "Nothing is deployed yet" in page


def test_health_says_that_the_process_answers(client: FlaskClient) -> None:
    assert client.get("/health").json == {"ok": True}


def test_the_documents_are_linked_and_there(app: Flask) -> None:
    client = app.test_client()
    assert [client.get(path).status_code for path in ("/docs/", "/openapi.json")] == [200, 200]
