"""`vendo_sk_` keys: mint, look up by hash, revoke. The plaintext exists only in the answer that mints it."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.crypto import digest, random_text
from app.core.db import after_commit
from app.core.errors import UnauthorizedError
from app.core.redis import Cache
from app.core.walls import narrow_to_tenant
from app.identity.models import Key
from app.identity.principals import KeyPrincipal

PREFIX = "vendo_sk_"
_SUFFIX_LENGTH = 32
_DISPLAY_LENGTH = 12
_MAX_BEARER_BYTES = 256
_CACHE_SECONDS = 60


@dataclass(frozen=True)
class MintedKey:
    """A new key; `__repr__` shows its display prefix only."""

    row: Key
    plaintext: str

    def __repr__(self) -> str:
        return f"MintedKey({self.row.key_prefix})"


def mint_app_key(session: Session, tenant_id: UUID, app_id: UUID, display_name: str | None) -> MintedKey:
    """Add a key of app scope and return it with its plaintext."""
    plaintext = PREFIX + random_text(_SUFFIX_LENGTH)
    row = Key(
        tenant_id=tenant_id,
        scope_mode="app",
        app_id=app_id,
        key_hash=digest(plaintext),
        key_prefix=plaintext[:_DISPLAY_LENGTH],
        display_name=display_name,
    )
    session.add(row)
    session.flush()
    return MintedKey(row, plaintext)


def has_key_shape(bearer: str) -> bool:
    return bearer.startswith(PREFIX)


def find_live_key(session: Session, plaintext: str) -> Key | None:
    """The key row of this plaintext while it is neither revoked nor expired."""
    row = session.execute(select(Key).where(Key.key_hash == digest(plaintext))).scalar_one_or_none()
    if row is None or row.revoked_at is not None:
        return None
    return None if row.expires_at is not None and row.expires_at <= utc_now() else row


def authenticate_key(session: Session, cache: Cache, bearer: str) -> KeyPrincipal:
    """Who holds this bearer; raises UnauthorizedError with code app_unknown, app_revoked or app_expired."""
    if len(bearer.encode()) > _MAX_BEARER_BYTES:
        raise _refused("app_unknown")
    record = cache.find(cache_name(digest(bearer))) or _read_record(session, cache, bearer)
    if record["revoked"]:
        raise _refused("app_revoked")
    if record["expires_at"] and datetime.fromisoformat(record["expires_at"]) <= utc_now():
        raise _refused("app_expired")
    narrow_to_tenant(session, UUID(record["tenant_id"]))
    return KeyPrincipal(
        key_id=UUID(record["key_id"]),
        tenant_id=UUID(record["tenant_id"]),
        app_id=_uuid(record["app_id"]),
        connection_id=_uuid(record["connection_id"]),
    )


def publish_key(cache: Cache, row: Key) -> dict[str, Any]:
    """Put the record of a key, with its expiry, into the cache that look-ups read first."""
    record = {
        "key_id": str(row.id),
        "tenant_id": str(row.tenant_id),
        "app_id": str(row.app_id) if row.app_id else None,
        "connection_id": str(row.connection_id) if row.connection_id else None,
        "revoked": row.revoked_at is not None,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
    }
    cache.store(cache_name(row.key_hash), record, _CACHE_SECONDS)
    return record


def revoke_key(session: Session, cache: Cache, row: Key) -> datetime:
    """Set `revoked_at` once and replace the cached record after commit; returns the first revocation."""
    row.revoked_at = row.revoked_at or utc_now()
    session.flush()
    # Overwritten, not only dropped: a look-up that races this commit may just have stored the record.
    after_commit(session, lambda: _publish(cache, row))
    return row.revoked_at


def list_app_keys(session: Session, app_id: UUID) -> list[Key]:
    """Live keys of an app, newest first."""
    statement = (
        select(Key).where(Key.app_id == app_id, Key.revoked_at.is_(None)).order_by(Key.created_at.desc())
    )
    return list(session.execute(statement).scalars())


def parse_bearer(header: str | None) -> str | None:
    """The trimmed token of an `Authorization: Bearer` header; None for another scheme or an empty token."""
    # A header sent twice arrives joined by a comma, which no token holds: the first counts.
    match = re.fullmatch(r"(?i)bearer[ \t]+(\S.*)", (header or "").partition(",")[0].strip())
    return match[1].strip() if match else None


def cache_name(key_hash: bytes) -> str:
    return f"key:{bytes(key_hash).hex()}"


def _publish(cache: Cache, row: Key) -> None:
    publish_key(cache, row)


def _read_record(session: Session, cache: Cache, bearer: str) -> dict[str, Any]:
    row = session.execute(select(Key).where(Key.key_hash == digest(bearer))).scalar_one_or_none()
    if row is None:
        raise _refused("app_unknown")
    return publish_key(cache, row)


def _refused(code: str) -> UnauthorizedError:
    return UnauthorizedError("Invalid or revoked token", code=code, header_code=code)


def _uuid(value: str | None) -> UUID | None:
    return UUID(value) if value else None
