"""Dashboard sessions: a random cookie, its SHA-256 in a row, thirty sliding days."""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.config import Settings
from app.core.crypto import digest
from app.core.walls import narrow_to_user
from app.identity.models import User, UserSession
from app.identity.principals import Principal

LIFE = timedelta(days=30)
# Sliding at every request would be a write per read; an hour is as good to a person.
_SLIDE_AFTER = timedelta(hours=1)


def start_session(session: Session, user: User, user_agent: str) -> str:
    """Open a session for a user and return its cookie value, which is not stored."""
    token = secrets.token_urlsafe(32)
    row = UserSession(
        user_id=user.id, token_hash=digest(token), user_agent=user_agent[:300], expires_at=utc_now() + LIFE
    )
    session.add(row)
    session.flush()
    return token


def find_principal(session: Session, settings: Settings, token: str) -> Principal | None:
    """Who holds this cookie, or None; slides the expiry of a session in use."""
    statement = (
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.token_hash == digest(token), UserSession.expires_at > utc_now())
    )
    found = session.execute(statement).first()
    if found is None:
        return None
    row, user = found
    if utc_now() - row.last_seen_at > _SLIDE_AFTER:
        row.last_seen_at, row.expires_at = utc_now(), utc_now() + LIFE
    narrow_to_user(session, user.id)
    return Principal(
        user_id=user.id,
        email=user.email,
        display_name=user.display_name,
        is_admin=user.is_admin or str(user.id) in settings.admin_user_ids,
        session_id=row.id,
    )


def end_session(session: Session, token: str) -> None:
    """End the session of this cookie; an unknown one is already ended."""
    session.execute(delete(UserSession).where(UserSession.token_hash == digest(token)))


def end_all_sessions(session: Session, user_id: UUID) -> None:
    """End every session of a person, wherever they are signed in."""
    session.execute(delete(UserSession).where(UserSession.user_id == user_id))


def drop_expired_sessions(session: Session) -> int:
    """Delete the rows of sessions that have run out; returns how many there were."""
    statement = delete(UserSession).where(UserSession.expires_at <= utc_now()).returning(UserSession.id)
    return len(session.execute(statement).all())
