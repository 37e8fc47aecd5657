"""Workspaces: a person owns at most one, under a slug that becomes part of host names."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.crypto import random_text
from app.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from app.core.slugs import TENANT_SLUG, is_reserved_slug
from app.identity.models import MemberRole, Tenant, TenantMember
from app.identity.principals import Principal

_MAX_NAME = 100
_REFERRAL_LENGTH = 6
# Without 0, O, 1 and I: people read referral codes aloud.
_REFERRAL_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

INVALID_NEW_TENANT = "Invalid name or slug"
INVALID_NAME = "Workspace name must be 1–100 characters"
INVALID_SLUG = "Slug must be 2-20 characters, lowercase alphanumeric and hyphens"


@dataclass(frozen=True)
class NewTenant:
    name: str
    slug: str
    is_personal: bool = False


@dataclass(frozen=True)
class TenantEdit:
    """What the owner changes; None leaves a field alone."""

    name: str | None = None
    slug: str | None = None
    clear_logo: bool = False


def create_tenant(session: Session, principal: Principal, new: NewTenant) -> Tenant:
    """Create the caller's workspace.

    Raises InvalidError (`SLUG_RESERVED` for a reserved slug), ConflictError when the caller owns one
    already, then ConflictError when the slug is taken.
    """
    name = new.name.strip()
    if not 1 <= len(name) <= _MAX_NAME or not TENANT_SLUG.match(new.slug):
        raise InvalidError(INVALID_NEW_TENANT)
    _refuse_reserved(new.slug)
    _refuse_second(session, principal.user_id)
    tenant = _insert_tenant(session, principal.user_id, NewTenant(name, new.slug, new.is_personal))
    session.add(TenantMember(tenant_id=tenant.id, user_id=principal.user_id, role=MemberRole.OWNER))
    session.flush()
    return tenant


def edit_tenant(session: Session, principal: Principal, edit: TenantEdit) -> Tenant:
    """Rename the caller's workspace, choose its slug once, drop its logo.

    Raises NotFoundError without a workspace, InvalidError naming what cannot be taken or saying that
    nothing changes, ConflictError when the slug is taken.
    """
    tenant = get_workspace(session, principal)
    # Two edits at once must not both find the slug not yet chosen.
    session.refresh(tenant, with_for_update=True)
    changes: dict[str, str | bool | None] = {}
    if edit.name is not None:
        changes["name"] = _checked_name(edit.name)
    if edit.slug is not None and not _keeps_slug(tenant, edit.slug):
        changes |= {"slug": edit.slug, "slug_chosen": True}
    if edit.clear_logo:
        changes["logo_url"] = None
    if not changes:
        raise InvalidError("No changes")
    _apply(session, tenant, changes)
    return tenant


def is_slug_available(session: Session, principal: Principal, slug: str) -> bool:
    """Whether the caller could take this slug; raises InvalidError `INVALID_SLUG` or `SLUG_RESERVED`."""
    slug = slug.strip().lower()
    if not TENANT_SLUG.match(slug):
        raise InvalidError(INVALID_SLUG, code="INVALID_SLUG")
    _refuse_reserved(slug)
    holder = find_tenant_by_slug(session, slug)
    return holder is None or holder.owner_id == principal.user_id


def get_workspace(session: Session, principal: Principal) -> Tenant:
    """The caller's workspace; raises NotFoundError `No workspace`."""
    tenant = find_owned_tenant(session, principal.user_id)
    if tenant is None:
        raise NotFoundError("No workspace")
    return tenant


def find_owned_tenant(session: Session, user_id: UUID) -> Tenant | None:
    """The one workspace a person owns that is not for tests, or None."""
    statement = select(Tenant).where(Tenant.owner_id == user_id, Tenant.is_test.is_(False))
    return session.execute(statement).scalar_one_or_none()


def find_tenant_by_slug(session: Session, slug: str) -> Tenant | None:
    """The workspace under this exact slug, whoever owns it, or None."""
    return session.execute(select(Tenant).where(Tenant.slug == slug)).scalar_one_or_none()


def get_owned_tenant(session: Session, principal: Principal, slug: str) -> Tenant:
    """The caller's own workspace under this slug, a test one included.

    Raises ForbiddenError alike for an unknown slug and for somebody else's, an administrator included.
    """
    tenant = find_tenant_by_slug(session, slug)
    if tenant is None or tenant.owner_id != principal.user_id:
        raise ForbiddenError("Tenant not found or not authorized")
    return tenant


def _insert_tenant(session: Session, owner_id: UUID, new: NewTenant) -> Tenant:
    # No look-up before the insert can be trusted: the unique indexes decide, and the rows then say which did.
    while True:
        values = {"name": new.name, "slug": new.slug, "is_personal": new.is_personal, "owner_id": owner_id}
        code = random_text(_REFERRAL_LENGTH, _REFERRAL_ALPHABET)
        statement = (
            insert(Tenant).values(**values, referral_code=code).on_conflict_do_nothing().returning(Tenant)
        )
        tenant = session.execute(statement).scalar_one_or_none()
        if tenant is not None:
            return tenant
        _refuse_second(session, owner_id)
        if find_tenant_by_slug(session, new.slug) is not None:
            raise _slug_taken()


def _apply(session: Session, tenant: Tenant, changes: dict[str, str | bool | None]) -> None:
    try:
        with session.begin_nested():
            for name, value in changes.items():
                setattr(tenant, name, value)
    except IntegrityError:
        raise _slug_taken() from None


def _keeps_slug(tenant: Tenant, slug: str) -> bool:
    if not TENANT_SLUG.match(slug):
        raise InvalidError(INVALID_SLUG)
    if tenant.slug_chosen and slug == tenant.slug:
        return True
    if tenant.slug_chosen:
        raise InvalidError("Workspace URL cannot be changed after creation")
    _refuse_reserved(slug)
    return False


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= _MAX_NAME:
        raise InvalidError(INVALID_NAME)
    return name


def _refuse_reserved(slug: str) -> None:
    if is_reserved_slug(slug):
        message = f'"{slug}" is reserved by Vendo. Pick a different workspace URL.'
        raise InvalidError(message, code="SLUG_RESERVED")


def _refuse_second(session: Session, user_id: UUID) -> None:
    if find_owned_tenant(session, user_id) is not None:
        raise ConflictError("You already have a workspace")


def _slug_taken() -> ConflictError:
    return ConflictError("This workspace URL is already taken")
