"""The variables that an app's bindings inject (manifest.md 7)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.models import Integration
from app.connections.credentials import open_credential
from app.connections.models import Binding, Connection, ConnectionStatus, Profile
from app.core.platform import Platform

_INJECTED = frozenset({Profile.MANAGED_POOL, Profile.BYOK_STATIC})


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
        for name, value in _variables(platform, connection, declared, app_key).items()
    }


def resolve_value(path: str, credential: Mapping[str, Any], metadata: Mapping[str, Any]) -> str | None:
    """What `credential.<field>` or `metadata.<dotted path>` points at, as text; None when it is not there."""
    found: Any = {"credential": credential, "metadata": metadata}
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return None if found is None else str(found)


def project_variables(
    declared: Sequence[Mapping[str, str]], credential: Mapping[str, Any], metadata: Mapping[str, Any]
) -> dict[str, str]:
    """The declared variables that this credential and metadata have a value for."""
    values = {entry["name"]: resolve_value(entry["value_from"], credential, metadata) for entry in declared}
    return {name: value for name, value in values.items() if value is not None}


def _variables(
    platform: Platform, connection: Connection, declared: list[Any], app_key: str
) -> dict[str, str]:
    if connection.profile not in _INJECTED:
        return {}
    credential = open_credential(platform, connection, app_key)
    return project_variables(declared, credential, connection.details) if credential else {}
