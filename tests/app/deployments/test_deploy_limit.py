"""deploy.md 1.7: five an hour for one address, everything with a session counted."""

import dataclasses

import pytest

from app.core.config import load_settings
from app.factory import create_app
from stack.ports import free_port
from tests.app.deployments.orders import app_with, client_of, new_ip
from tests.factories import make_workspace

URL = "/api/deploy"


@pytest.fixture(scope="module")
def strict(app, environment):
    """A web process with the limit that an operator gets who sets none."""
    untouched = {name: value for name, value in environment.items() if name != "DEPLOY_LIMIT"}
    with app_with(app, deploy_limit=load_settings(untouched).deploy_limit) as limited:
        yield limited


@pytest.fixture
def post(strict, workspace, tool):
    """Deploy from an address of this test's own unless told otherwise."""
    client, own = client_of(strict, workspace), new_ip()

    def run(caller=None, ip=own, headers=None, **changes):
        order = {"toolSlug": tool, "tenantSlug": workspace.slug, **changes}
        return (caller or client).post(
            URL, json=order, headers=headers or {}, environ_base={"REMOTE_ADDR": ip}
        )

    return run


def test_the_sixth_of_an_hour_is_refused(post):
    assert [post(deploymentSlug=f"app-{number}").status_code for number in range(5)] == [201] * 5
    sixth = post(deploymentSlug="app-5")
    assert (sixth.status_code, sixth.json) == (429, {"message": "Rate limit exceeded"})
    assert 3500 < int(sixth.headers["Retry-After"]) <= 3600


def test_a_refused_call_counts_for_nothing_more(post):
    waits = [int(post(bindings=1).headers.get("Retry-After", 0)) for _ in range(9)]
    assert [wait > 0 for wait in waits] == [False] * 5 + [True] * 4


def test_rejected_bodies_count(post):
    assert [post(bindings=1).status_code for _ in range(6)] == [400] * 5 + [429]


def test_what_is_not_json_counts(post, strict, workspace):
    ip = new_ip()
    client = client_of(strict, workspace)
    answers = [client.post(URL, data="[", environ_base={"REMOTE_ADDR": ip}) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429]


def test_calls_without_a_session_do_not_count(post, strict):
    nobody = strict.test_client()
    assert {post(nobody).status_code for _ in range(10)} == {401}
    assert post().status_code == 201


def test_calls_from_a_foreign_origin_do_not_count(post):
    assert {post(headers={"Origin": "https://evil.example"}).status_code for _ in range(10)} == {403}
    assert post().status_code == 201


def test_another_address_has_a_window_of_its_own(post):
    assert [post(bindings=1).status_code for _ in range(6)][-1] == 429
    assert post(ip=new_ip()).status_code == 201


def test_one_address_is_one_window_for_all_its_users(post, strict, app, platform):
    for _ in range(5):
        post(bindings=1)
    neighbour = client_of(strict, make_workspace(app, platform))
    assert post(neighbour).status_code == 429


def test_a_forwarded_address_is_not_believed_from_anybody(post):
    answers = [post(bindings=1, headers={"X-Forwarded-For": new_ip()}) for _ in range(6)]
    assert answers[-1].status_code == 429


def test_a_forwarded_address_is_believed_from_a_configured_proxy(app, workspace, tool):
    order = {"toolSlug": tool, "tenantSlug": workspace.slug, "bindings": 1}
    with app_with(app, deploy_limit="1 per hour", trusted_proxies=("192.0.2.0/24",)) as behind:
        client, peer = client_of(behind, workspace), {"REMOTE_ADDR": "192.0.2.9"}

        def status(forwarded: str) -> int:
            headers = {"X-Forwarded-For": forwarded}
            return client.post(URL, json=order, headers=headers, environ_base=peer).status_code

        first, second = new_ip(), new_ip()
        assert [status(first), status(first), status(second)] == [400, 429, 400]
        # Only the hop that the proxy itself saw counts: a client cannot choose its address.
        assert [status(f"203.0.113.1, {second}"), status(f"{first}, 192.0.2.7")] == [429, 429]


def test_a_dead_redis_lets_the_call_through(app, workspace, tool):
    settings = dataclasses.replace(
        app.extensions["berth"].settings,
        deploy_limit="1 per hour",
        redis_url=f"redis://127.0.0.1:{free_port()}/0",
    )
    blind = create_app(settings)
    client = client_of(blind, workspace)
    order = {"toolSlug": tool, "tenantSlug": workspace.slug, "bindings": 1}
    answers = [client.post(URL, json=order) for _ in range(3)]
    blind.extensions["berth"].database.engine.dispose()
    assert [answer.status_code for answer in answers] == [400] * 3
