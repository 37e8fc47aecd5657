from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.config import Settings
from app.core.crypto import digest
from app.core.platform import Platform
from app.identity.models import UserSession
from app.identity.principals import SESSION_COOKIE
from app.identity.sessions import LIFE, drop_expired_sessions, find_principal, start_session
from tests.factories import make_user


def row_of(session: Session, token: str) -> UserSession:
    statement = select(UserSession).where(UserSession.token_hash == digest(token))
    return session.execute(statement).scalar_one()


def test_cookie_is_256_random_bits_and_only_its_hash_is_stored(session: Session, platform: Platform) -> None:
    token = start_session(session, make_user(platform), "tests")
    assert len(token) == 43
    assert row_of(session, token).token_hash == digest(token)


def test_expired_session_is_nobody(client: FlaskClient, platform: Platform) -> None:
    user = make_user(platform)
    with platform.database.transaction() as session:
        token = start_session(session, user, "tests")
        row_of(session, token).expires_at = utc_now() - timedelta(seconds=1)
    client.set_cookie(SESSION_COOKIE, token)
    assert client.get("/api/user/me").status_code == 401
    assert client.get("/api/auth/me").json["loggedIn"] is False


def test_session_in_use_slides(session: Session, platform: Platform, settings: Settings) -> None:
    token = start_session(session, make_user(platform), "tests")
    row = row_of(session, token)
    row.last_seen_at = utc_now() - timedelta(days=20)
    row.expires_at = utc_now() + timedelta(days=10)
    session.flush()
    assert find_principal(session, settings, token) is not None
    assert row.expires_at > utc_now() + LIFE - timedelta(minutes=1)


def test_only_expired_sessions_are_dropped(session: Session, platform: Platform, settings: Settings) -> None:
    user = make_user(platform)
    kept, gone = (start_session(session, user, "tests") for _ in range(2))
    drop_expired_sessions(session)
    row_of(session, gone).expires_at = utc_now() - timedelta(days=1)
    session.flush()
    assert drop_expired_sessions(session) == 1
    assert find_principal(session, settings, gone) is None
    assert find_principal(session, settings, kept) is not None
