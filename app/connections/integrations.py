"""What the catalog says of providers, as bindings need it."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.integrations import list_variable_names
from app.catalog.models import Integration
from app.connections.models import Profile


def list_integration_variables(session: Session) -> set[str]:
    """The names that bindings of any integration may inject."""
    return list_variable_names(session, list(session.scalars(select(Integration.slug))))


def find_enabled(session: Session, slugs: Collection[str]) -> dict[str, Integration]:
    """The enabled integrations among `slugs`, by slug."""
    statement = select(Integration).where(Integration.slug.in_(slugs), Integration.enabled)
    return {row.slug: row for row in session.scalars(statement)}


def has_pool(integration: Integration) -> bool:
    return Profile.MANAGED_POOL in integration.supported_profiles
