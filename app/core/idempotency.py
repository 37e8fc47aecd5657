"""Idempotency keys: PostgreSQL is the referee, Redis only answers faster.

The claim is an insert inside the transaction of the work. A second caller with the same key waits on
that insert: if the first commits it replays, if the first rolls back it becomes the first.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Text, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.db import Base, after_commit, created_now
from app.core.errors import ConflictError, InvalidError
from app.core.redis import Cache

RETENTION = timedelta(hours=24)
_WAIT = "5s"
_LOCK_NOT_AVAILABLE = "55P03"


class IdempotencyKey(Base):
    """One answered call; `body` is the exact text that was sent."""

    __tablename__ = "idempotency_keys"

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    body_hash: Mapped[str] = mapped_column(Text)
    status: Mapped[int | None]
    body: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = created_now()


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    replayed: bool = False


@dataclass(frozen=True)
class Scope:
    """Where a key counts: one tenant, one route."""

    tenant_id: UUID
    route: str
    key: str

    @property
    def name(self) -> str:
        return f"{self.tenant_id}:{self.route}"

    @property
    def cache_key(self) -> str:
        return f"idempotency:{self.name}:{hashlib.sha256(self.key.encode()).hexdigest()}"


def check_key(key: str | None) -> None:
    """Refuse a key that is not 1 to 255 bytes of 0x21 to 0x7E; raises InvalidError."""
    if key is not None and not re.fullmatch(r"[\x21-\x7e]{1,255}", key):
        raise InvalidError("Invalid Idempotency-Key")


def fingerprint(body: Any) -> str:
    """SHA-256 of the canonical JSON of a parsed body."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def answer_once(
    session: Session, cache: Cache, scope: Scope, body_hash: str, work: Callable[[], Answer]
) -> Answer:
    """Do `work` once per key within 24 hours; later calls get its answer again.

    Raises ConflictError `idempotency_conflict` for another body, `idempotency_in_progress` when the
    first call is still running after five seconds. Whatever `work` raises leaves the key unused.
    """
    if known := cache.find(scope.cache_key):
        return _replay(known["hash"], body_hash, known["status"], known["body"])
    if not _claim(session, scope, body_hash):
        row = session.execute(
            select(IdempotencyKey).where(IdempotencyKey.scope == scope.name, IdempotencyKey.key == scope.key)
        ).scalar_one()
        return _replay(row.body_hash, body_hash, row.status or 0, row.body or "")
    answer = work()
    _keep(session, cache, scope, body_hash, answer)
    return answer


def forget_answer(session: Session, cache: Cache, scope: Scope) -> None:
    """Give the key free again, for a call whose work was undone after its commit."""
    session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.scope == scope.name, IdempotencyKey.key == scope.key)
    )
    cache.drop(scope.cache_key)


def _claim(session: Session, scope: Scope, body_hash: str) -> bool:
    session.execute(text(f"SET LOCAL lock_timeout = '{_WAIT}'"))
    claim = insert(IdempotencyKey).values(scope=scope.name, key=scope.key, body_hash=body_hash)
    # An expired row is taken over in the same statement, so two callers cannot both revive it.
    statement = claim.on_conflict_do_update(
        index_elements=["scope", "key"],
        set_={"body_hash": body_hash, "status": None, "body": None, "created_at": func.clock_timestamp()},
        where=IdempotencyKey.created_at < func.clock_timestamp() - RETENTION,
    ).returning(IdempotencyKey.key)
    try:
        claimed = session.execute(statement).first() is not None
    except OperationalError as error:
        if getattr(error.orig, "pgcode", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise ConflictError(
            "A request with this Idempotency-Key is still running.",
            code="idempotency_in_progress",
            retry_after_seconds=1,
        ) from None
    session.execute(text("SET LOCAL lock_timeout = 0"))
    return claimed


def _keep(session: Session, cache: Cache, scope: Scope, body_hash: str, answer: Answer) -> None:
    row = session.get_one(IdempotencyKey, (scope.name, scope.key))
    row.status, row.body = answer.status, answer.body
    value = {"hash": body_hash, "status": answer.status, "body": answer.body}
    after_commit(session, lambda: cache.store(scope.cache_key, value, int(RETENTION.total_seconds())))


def _replay(stored_hash: str, body_hash: str, status: int, body: str) -> Answer:
    if stored_hash != body_hash:
        raise ConflictError(
            "This Idempotency-Key was used with another body.",
            code="idempotency_conflict",
            header_code="idempotency_conflict",
        )
    return Answer(status, body, replayed=True)
