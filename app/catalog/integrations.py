"""Integrations: the providers that tools may be bound to, and the rows Berth brings along."""

import json
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import null, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.catalog.models import Integration, TenantIntegration
from app.core.errors import NotFoundError

_SEED_FILE = Path(__file__).parent / "data" / "integrations.json"
# An operator switches these, or fills in the ids of an own OAuth client; seeding again leaves them alone.
_OPERATORS_COLUMNS = frozenset({"slug", "enabled", "featured", "oauth_client_config", "byok"})


def find_integration(session: Session, slug: str) -> Integration | None:
    """Return an enabled integration, or None."""
    return session.scalar(select(Integration).where(Integration.slug == slug, Integration.enabled))


def get_integration(session: Session, slug: str) -> Integration:
    """Return an enabled integration; raises NotFoundError."""
    integration = find_integration(session, slug)
    if integration is None:
        raise NotFoundError
    return integration


def list_integrations(session: Session, *, include_disabled: bool = False) -> list[Integration]:
    """List integrations by name, the enabled ones unless told otherwise."""
    statement = select(Integration).order_by(Integration.name, Integration.slug)
    return list(session.scalars(statement if include_disabled else statement.where(Integration.enabled)))


def list_enabled_slugs(session: Session) -> set[str]:
    return set(session.scalars(select(Integration.slug).where(Integration.enabled)))


def list_variable_names(session: Session, providers: Collection[str]) -> set[str]:
    """Return the names of the variables that bindings of these providers inject."""
    rows = session.scalars(select(Integration.env_vars).where(Integration.slug.in_(providers)))
    return {entry["name"] for entries in rows for entry in entries}


def list_switched_on(session: Session, tenant_ids: Collection[UUID]) -> set[str]:
    """Return the slugs that any of these workspaces has switched on."""
    statement = (
        select(Integration.slug)
        .join(TenantIntegration, TenantIntegration.integration_id == Integration.id)
        .where(TenantIntegration.tenant_id.in_(tenant_ids), TenantIntegration.enabled)
    )
    return set(session.scalars(statement))


@cache
def seed_rows() -> tuple[dict[str, Any], ...]:
    """Return the integrations that Berth brings along, as column values."""
    return tuple(json.loads(_SEED_FILE.read_text(encoding="utf-8")))


def seed_integrations(session: Session, rows: Iterable[dict[str, Any]] | None = None) -> list[str]:
    """Insert or refresh Berth's own integrations, keeping what an operator set; returns their slugs."""
    seeds = list(seed_rows() if rows is None else rows)
    for row in seeds:
        statement = insert(Integration).values({name: _sql_value(value) for name, value in row.items()})
        fresh = {name: statement.excluded[name] for name in row if name not in _OPERATORS_COLUMNS}
        session.execute(statement.on_conflict_do_update(index_elements=["slug"], set_=fresh))
    return [row["slug"] for row in seeds]


def _sql_value(value: Any) -> Any:
    # None alone would become JSON's null, which no `IS NULL` finds.
    return null() if value is None else value
