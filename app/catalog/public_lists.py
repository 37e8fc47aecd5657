"""The Redis copy of the public catalog, which a change to any tool outdates at once.

Lists are stored under a generation. A change starts a new one, so that a reader who was slow to store what
it read before the change stores it where nobody looks.
"""

from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from app.core.db import after_commit
from app.core.redis import Cache

LIFE_SECONDS = 3600
_GENERATION_KEY = "catalog:generation"
# A generation outlives every list stored before it.
_GENERATION_SECONDS = 2 * LIFE_SECONDS


def catalog_key(cache: Cache) -> str:
    """Return the key of the public catalog as of now; take it before reading the rows."""
    return f"catalog:public:{cache.find(_GENERATION_KEY) or 'first'}"


def find_public_list(cache: Cache, key: str) -> list[dict[str, Any]] | None:
    found: list[dict[str, Any]] | None = cache.find(key)
    return found


def store_public_list(cache: Cache, key: str, rows: list[dict[str, Any]]) -> None:
    cache.store(key, rows, LIFE_SECONDS)


def outdate_public_lists(session: Session, cache: Cache) -> None:
    """Forget every public list once this transaction has committed."""
    after_commit(session, lambda: cache.store(_GENERATION_KEY, uuid4().hex, _GENERATION_SECONDS))
