"""Real threads on the real database: the unique indexes decide, and each loser is told why."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from app.core.platform import Platform
from tests.app.identity.accounts import refusal
from tests.factories import make_tenant, make_user, sign_in, unique

OWNS_ONE = (409, {"message": "You already have a workspace"})
TAKEN = (409, {"message": "This workspace URL is already taken"})
CHOSEN = (400, {"message": "Workspace URL cannot be changed after creation"})
ROUNDS = 5


def race(*attempts: Callable[[], tuple[int, Any]]) -> list[tuple[int, Any]]:
    """Start every attempt at one moment and return the refusals."""
    gate = threading.Barrier(len(attempts))

    def run(attempt: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
        gate.wait(timeout=10)
        return attempt()

    with ThreadPoolExecutor(len(attempts)) as pool:
        answers = list(pool.map(run, attempts))
    return [answer for answer in answers if answer[0] >= 400]


def create(client: FlaskClient, slug: str) -> tuple[int, Any]:
    return refusal(client.post("/api/tenants", json={"name": "Harbor", "slug": slug}))


def choose(client: FlaskClient, slug: str) -> tuple[int, Any]:
    return refusal(client.patch("/api/tenants/me", json={"slug": slug}))


def test_one_user_twice_at_once_gets_one_workspace(app: Flask, platform: Platform) -> None:
    for _ in range(ROUNDS):
        user = make_user(platform)
        attempts = [partial(create, sign_in(app, platform, user), unique("t")) for _ in range(3)]
        assert race(*attempts) == [OWNS_ONE, OWNS_ONE]


def test_two_users_racing_for_one_slug_give_it_to_one(app: Flask, platform: Platform) -> None:
    for _ in range(ROUNDS):
        slug = unique("t")
        attempts = [partial(create, sign_in(app, platform, make_user(platform)), slug) for _ in range(2)]
        assert race(*attempts) == [TAKEN]


def test_two_edits_at_once_choose_one_slug(app: Flask, platform: Platform) -> None:
    for _ in range(ROUNDS):
        user = make_user(platform)
        make_tenant(platform, user, slug_chosen=False)
        attempts = [partial(choose, sign_in(app, platform, user), unique("u")) for _ in range(2)]
        assert race(*attempts) == [CHOSEN]
