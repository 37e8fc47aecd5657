"""One Idempotency-Key makes one deployment, whatever happens around it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import redis
import requests

from tests.e2e.manifests import tool, web
from tests.e2e.owner import Owner
from tests.factories import unique

CALLERS = 20


def test_twenty_posts_at_once_make_one_deployment(owner: Owner, busybox: str) -> None:
    slug, start = owner.stack.publish(tool(web(busybox))), threading.Barrier(CALLERS)

    def post(_: int) -> requests.Response:
        start.wait()
        return owner.post_deploy(slug, "launch-1", deploymentSlug="once")

    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(post, range(CALLERS)))
    assert [answer.status_code for answer in answers] == [201] * CALLERS
    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers].count("true") == CALLERS - 1
    assert len(owner.list_deployments()) == 1


def test_a_flushed_redis_between_two_posts_makes_no_second_deployment(owner: Owner, busybox: str) -> None:
    slug, key = owner.stack.publish(tool(web(busybox))), unique("key-")
    first = owner.post_deploy(slug, key, deploymentSlug="once")
    redis.Redis.from_url(owner.stack.servers.queue.url).flushall()
    second = owner.post_deploy(slug, key, deploymentSlug="once")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(owner.list_deployments()) == 1


def test_the_same_key_with_another_body_is_a_conflict(owner: Owner, busybox: str) -> None:
    slug, key = owner.stack.publish(tool(web(busybox))), unique("key-")
    assert owner.post_deploy(slug, key, deploymentSlug="one").status_code == 201
    refused = owner.post_deploy(slug, key, deploymentSlug="two")
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_conflict")
    assert refused.headers["Vendo-Error-Code"] == "idempotency_conflict"
    assert [item["deploymentSlug"] for item in owner.list_deployments()] == ["one"]


def test_two_posts_at_once_for_one_slug_make_one_deployment(owner: Owner, busybox: str) -> None:
    slug = owner.stack.publish(tool(web(busybox)))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: owner.post_deploy(slug, deploymentSlug="same"), range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len(owner.list_deployments()) == 1
