"""Published tools and a seeded integration list for the catalog's tests."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from app.catalog.integrations import seed_integrations
from app.catalog.models import Tool, ToolRelease
from app.catalog.public_lists import outdate_public_lists
from app.catalog.publishing import CatalogFlags, Publication, Published, publish_tool
from app.core.db import Database
from app.core.platform import Platform
from app.core.redis import Cache, connect_redis
from tests.app.catalog.manifests import mailroom
from tests.factories import make_user, sign_in, unique

Publish = Callable[..., Published]


@pytest.fixture
def seeded(platform: Platform) -> None:
    with platform.database.transaction() as session:
        seed_integrations(session)


@pytest.fixture
def slug(platform: Platform) -> Iterator[str]:
    """A tool slug of this test's own; whatever is published under it is removed again."""
    name = unique("tool-")
    yield name
    remove_tool(platform, name)


@pytest.fixture
def publish(platform: Platform, slug: str, seeded: None) -> Publish:
    """Publish the worked example under `slug`: `publish("1.2.0", activate=False, name="Inkwell")`."""

    def run(version: str = "1.0.0", flags: CatalogFlags | None = None, activate: bool = True, **changes: Any):
        document = mailroom(slug=slug, version=version, **changes)
        publication = Publication(document, activate=activate, flags=flags or CatalogFlags())
        with platform.database.transaction() as session:
            return publish_tool(session, platform.cache, publication)

    return run


@pytest.fixture
def admin(app: Flask, platform: Platform) -> FlaskClient:
    """A signed-in administrator."""
    return sign_in(app, platform, make_user(platform, is_admin=True))


@pytest.fixture
def dead_database(app: Flask, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform with a database that refuses every connection."""
    settings = dataclasses.replace(platform.settings, database_url="postgresql://x:y@127.0.0.1:1/none")
    broken = dataclasses.replace(platform, database=Database(settings))
    monkeypatch.setitem(app.extensions, "berth", broken)


@pytest.fixture
def dead_redis(app: Flask, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform with a cache that refuses every connection."""
    settings = dataclasses.replace(platform.settings, redis_url="redis://127.0.0.1:1/0")
    broken = dataclasses.replace(platform, cache=Cache(connect_redis(settings)))
    monkeypatch.setitem(app.extensions, "berth", broken)


def remove_tool(platform: Platform, slug: str) -> None:
    """Remove the catalog row and its releases; a stored template stays, as it always does."""
    with platform.database.transaction() as session:
        tool_id = session.scalar(select(Tool.id).where(Tool.slug == slug))
        session.execute(delete(ToolRelease).where(ToolRelease.tool_id == tool_id))
        session.execute(delete(Tool).where(Tool.id == tool_id))
        outdate_public_lists(session, platform.cache)
