"""People: sign-up, sign-in, profile, and what an operator may do to an account."""

import re
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.config import Settings
from app.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, UnauthorizedError
from app.identity.models import User
from app.identity.passwords import (
    MAX_LENGTH,
    MIN_LENGTH,
    hash_password,
    is_acceptable_password,
    is_password,
    needs_rehash,
)
from app.identity.principals import Principal
from app.identity.sessions import end_all_sessions

_EMAIL = re.compile(
    r"[^\s@\x00-\x1f\ud800-\udfff]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}"
)
_MAX_EMAIL = 254
_MAX_DISPLAY_NAME = 120

INVALID_EMAIL = "Invalid email"
INVALID_PASSWORD = f"Password must be {MIN_LENGTH}-{MAX_LENGTH} characters"
INVALID_DISPLAY_NAME = f"Display name must be {_MAX_DISPLAY_NAME} characters or less"


@dataclass(frozen=True)
class NewUser:
    """An account to be made; the password is never shown by `repr`."""

    email: str
    password: str = field(repr=False)
    display_name: str = ""
    is_admin: bool = False


@dataclass(frozen=True)
class ProfileEdit:
    """What a person changes about themselves; None leaves the name alone."""

    display_name: str | None = None
    clear_avatar: bool = False


def sign_up(session: Session, settings: Settings, new: NewUser) -> User:
    """Create an account where the operator allows it; raises ForbiddenError and what `create_user` raises."""
    if not settings.sign_up_enabled:
        raise ForbiddenError("Sign-up is disabled")
    return create_user(session, new)


def create_user(session: Session, new: NewUser) -> User:
    """Create an account; raises InvalidError naming the bad field, ConflictError when the email is taken."""
    values = {
        "email": _checked_email(new.email),
        "password_hash": hash_password(_checked_password(new.password)),
        "display_name": _checked_display_name(new.display_name),
        "is_admin": new.is_admin,
    }
    # The unique index decides, not a look-up before it: two sign-ups for one email may run at once.
    statement = insert(User).values(**values).on_conflict_do_nothing().returning(User)
    user = session.execute(statement).scalar_one_or_none()
    if user is None:
        raise ConflictError("An account with this email already exists")
    return user


def authenticate_user(session: Session, email: str, password: str) -> User:
    """Whose credentials these are; raises UnauthorizedError, alike for a wrong email and a wrong password."""
    user = find_user_by_email(session, email)
    stored = user.password_hash if user else None
    if not is_password(stored, password) or user is None:
        raise UnauthorizedError("Invalid email or password")
    if stored and needs_rehash(stored):
        user.password_hash = hash_password(password)
    return user


def normal_email(email: str) -> str:
    return email.strip().lower()


def find_user_by_email(session: Session, email: str) -> User | None:
    """The local account of this email; people of an outside identity server are never found by it."""
    statement = select(User).where(User.email == normal_email(email), User.issuer.is_(None))
    return session.execute(statement).scalar_one_or_none()


def get_user_by_email(session: Session, email: str) -> User:
    """The local account of this email; raises NotFoundError."""
    user = find_user_by_email(session, email)
    if user is None:
        raise NotFoundError("No account has this email")
    return user


def get_user(session: Session, user_id: UUID) -> User:
    """The account with this id; raises NotFoundError."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFoundError("User not found")
    return user


def list_users(session: Session) -> list[User]:
    """Every account, oldest first."""
    return list(session.execute(select(User).order_by(User.created_at, User.id)).scalars())


def edit_profile(session: Session, principal: Principal, edit: ProfileEdit) -> User:
    """Change the caller's name or drop their picture; raises InvalidError for a name that is too long."""
    user = get_user(session, principal.user_id)
    if edit.display_name is not None:
        user.display_name = _checked_display_name(edit.display_name)
    if edit.clear_avatar:
        user.avatar_url = ""
    session.flush()
    return user


def set_password(session: Session, user: User, password: str) -> None:
    """Change a password and end every session of its owner; raises InvalidError."""
    user.password_hash = hash_password(_checked_password(password))
    end_all_sessions(session, user.id)
    session.flush()


def make_admin(session: Session, user: User) -> None:
    """Make the person an operator of this install; repeating it changes nothing."""
    user.is_admin = True
    session.flush()


def _checked_email(email: str) -> str:
    email = normal_email(email)
    if len(email) > _MAX_EMAIL or not _EMAIL.fullmatch(email):
        raise InvalidError(INVALID_EMAIL)
    return email


def _checked_password(password: str) -> str:
    if not is_acceptable_password(password):
        raise InvalidError(INVALID_PASSWORD)
    return password


def _checked_display_name(name: str) -> str:
    name = name.strip()
    if len(name) > _MAX_DISPLAY_NAME:
        raise InvalidError(INVALID_DISPLAY_NAME)
    return name
