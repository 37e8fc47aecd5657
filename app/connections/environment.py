"""The variables that an app's bindings inject (manifest.md 7)."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.models import Integration
from app.connections.credentials import open_credential
from app.connections.models import Binding, Connection, ConnectionStatus
from app.core.platform import Platform


def list_integration_env(
    session: Session, platform: Platform, app_id: UUID | None, app_key: str
) -> dict[str, str]:
    """Name and value of every variable that the app's active connections declare.

    Profiles that refresh their token declare none: those are fetched at run time.
    """
    statement = (
        select(Connection, Integration.env_vars)
        .join(Binding, Binding.connection_id == Connection.id)
        .join(Integration, Integration.slug == Connection.provider_slug)
        .where(Binding.app_id == app_id, Connection.status == ConnectionStatus.ACTIVE)
    )
    return {
        name: value
        for connection, declared in session.execute(statement)
        for name, value in _variables(platform, connection, declared, app_key)
    }


def resolve_value(path: str, credential: Mapping[str, Any], metadata: Mapping[str, Any]) -> str | None:
    """What `credential.<field>` or `metadata.<dotted path>` points at, as text; None when it is not there."""
    found: Any = {"credential": credential, "metadata": metadata}
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return None if found is None else str(found)


def _variables(
    platform: Platform, connection: Connection, declared: list[Any], app_key: str
) -> Iterator[tuple[str, str]]:
    credential = open_credential(platform, connection, app_key)
    if credential is None:
        return
    for entry in declared:
        value = resolve_value(entry["value_from"], credential, connection.details)
        if value is not None:
            yield entry["name"], value
