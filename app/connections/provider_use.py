"""Which providers a caller uses already, for the wizard's "already enabled"."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.integrations import list_switched_on
from app.connections.models import App, Binding, Connection, ConnectionStatus
from app.identity.memberships import list_tenant_ids
from app.identity.principals import Principal


def list_providers_in_use(session: Session, principal: Principal | None, app_id: str | None) -> set[str]:
    """Return the slugs bound to the app, or without one those the caller's workspaces use.

    Nobody signed in, a malformed id and another tenant's app alike give the empty set.
    """
    if principal is None:
        return set()
    tenant_ids = list_tenant_ids(session, principal.user_id)
    if app_id is not None:
        return _bound_to(session, tenant_ids, app_id)
    active = select(Connection.provider_slug).where(
        Connection.tenant_id.in_(tenant_ids), Connection.status == ConnectionStatus.ACTIVE
    )
    return set(session.scalars(active)) | list_switched_on(session, tenant_ids)


def _bound_to(session: Session, tenant_ids: list[UUID], app_id: str) -> set[str]:
    try:
        wanted = UUID(app_id)
    except ValueError:
        return set()
    statement = (
        select(Binding.provider_slug)
        .join(App, App.id == Binding.app_id)
        .where(App.id == wanted, App.tenant_id.in_(tenant_ids))
    )
    return set(session.scalars(statement))
