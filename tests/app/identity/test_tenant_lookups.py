import pytest
from sqlalchemy.orm import Session

from app.core.config import Settings
from app.core.errors import ForbiddenError
from app.core.platform import Platform
from app.identity.models import User
from app.identity.principals import Principal
from app.identity.sessions import find_principal, start_session
from app.identity.tenants import find_owned_tenant, find_tenant_by_slug, get_owned_tenant
from tests.factories import make_tenant, make_user, unique


def principal_of(session: Session, settings: Settings, user: User) -> Principal:
    principal = find_principal(session, settings, start_session(session, user, "tests"))
    assert principal is not None
    return principal


def test_owner_finds_the_workspace_by_slug_and_by_id(
    session: Session, settings: Settings, platform: Platform
) -> None:
    owner = make_user(platform)
    tenant = make_tenant(platform, owner)
    found = get_owned_tenant(session, principal_of(session, settings, owner), tenant.slug)
    assert found.id == tenant.id
    assert find_owned_tenant(session, owner.id) is found
    assert find_tenant_by_slug(session, tenant.slug) is found


def test_unknown_slug_and_foreign_workspace_are_refused_alike(
    session: Session, settings: Settings, platform: Platform
) -> None:
    tenant = make_tenant(platform, make_user(platform))
    admin = principal_of(session, settings, make_user(platform, is_admin=True))
    for slug in (tenant.slug, unique("none")):
        with pytest.raises(ForbiddenError, match=r"^Tenant not found or not authorized$"):
            get_owned_tenant(session, admin, slug)


def test_nothing_is_found_for_somebody_without_a_workspace(session: Session, platform: Platform) -> None:
    assert find_owned_tenant(session, make_user(platform).id) is None
    assert find_tenant_by_slug(session, unique("none")) is None
