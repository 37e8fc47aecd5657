"""What a deployed tool is told of its connections (runtime.md 1)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.models import Integration, Tool
from app.catalog.tool_integrations import list_supported_connections
from app.connections.credentials import open_credential
from app.connections.environment import project_variables
from app.connections.models import App, Binding, Connection, ConnectionStatus, Profile
from app.core.clock import iso
from app.core.crypto import DecryptError
from app.core.errors import UnauthorizedError
from app.core.platform import Platform
from app.core.urls import connect_url
from app.identity.keys import authenticate_key, has_key_shape

# A connection in another state is as good as none.
_SHOWN = {
    ConnectionStatus.ACTIVE: "connected",
    ConnectionStatus.NEEDS_REAUTH: "needs_reauth",
    ConnectionStatus.ERROR: "error",
}


class ConnectionEntry(BaseModel):
    """One provider as a tool sees it; every key is always present."""

    id: str | None = None
    external_id: str | None = None
    slug: str
    display_name: str
    category: str = ""
    profile: str
    status: str
    api_key: str | None = None
    base_url: str | None = None
    credential: dict[str, str | int | float] | None = None
    metadata: dict[str, Any] = {}
    context: dict[str, Any] | None = None
    setup_url: str | None = None
    error_message: str | None = None
    connected_at: str | None = None
    env_bootstrap: dict[str, Any] | None = None
    exclusive: bool = False
    logo_url: str = ""
    brand_color: str = ""
    docs_url: str = ""


class ConnectionList(BaseModel):
    connections: list[ConnectionEntry]


@dataclass(frozen=True)
class Caller:
    """The app behind an App Key, and the very bearer it sent."""

    app: App
    bearer: str

    def __repr__(self) -> str:
        return f"Caller({self.app.id})"


@dataclass(frozen=True)
class _Bound:
    """A binding with its connection and, unless it was deleted, its catalog row."""

    binding: Binding
    connection: Connection
    integration: Integration | None


def authenticate_app(session: Session, platform: Platform, bearer: str | None) -> Caller:
    """The app of an App Key; raises UnauthorizedError for anything else (auth-errors-conventions.md 3B)."""
    if bearer is None or not has_key_shape(bearer):
        raise UnauthorizedError("Missing or invalid Bearer token", header_code="app_unknown")
    principal = authenticate_key(session, platform.cache, bearer)
    app = session.get(App, principal.app_id) if principal.is_app else None
    if app is None:
        raise UnauthorizedError("Invalid or revoked token", header_code="app_unknown")
    if app.disconnected_at is not None:
        raise UnauthorizedError("Invalid or revoked token", header_code="app_revoked")
    return Caller(app, bearer)


def list_connections(
    session: Session, platform: Platform, caller: Caller, is_sandbox: bool
) -> list[ConnectionEntry]:
    """One entry per provider: those the tool lists in its order, then other bound ones, oldest first."""
    bound = {item.binding.provider_slug: item for item in _list_bound(session, caller.app.id)}
    listed = _list_offered(session, caller.app)
    entries = []
    for slug in dict.fromkeys([*listed, *bound]):
        if slug in bound:
            entries.append(_connected(platform, caller, bound[slug], is_sandbox))
        else:
            entries.append(_available(platform, caller.app.id, listed[slug]))
    return entries


def _list_bound(session: Session, app_id: UUID) -> Iterator[_Bound]:
    statement = (
        select(Binding, Connection, Integration)
        .join(Connection, Connection.id == Binding.connection_id)
        .outerjoin(Integration, Integration.slug == Binding.provider_slug)
        .where(Binding.app_id == app_id, Connection.status.in_(_SHOWN))
        .order_by(Binding.created_at, Binding.provider_slug)
    )
    return (_Bound(*row) for row in session.execute(statement))


def _list_offered(session: Session, app: App) -> dict[str, Integration]:
    """The enabled integrations that the app's tool offers, by slug, in the order to show them."""
    tool = session.get(Tool, app.tool_id) if app.tool_id else None
    if tool is None:
        return {}
    statement = select(Integration).where(Integration.enabled).order_by(Integration.slug)
    enabled = {row.slug: row for row in session.scalars(statement)}
    if tool.surface_all_connections:
        return enabled
    return {slug: enabled[slug] for slug in list_supported_connections(session, tool) if slug in enabled}


def _available(platform: Platform, app_id: UUID, integration: Integration) -> ConnectionEntry:
    return ConnectionEntry(
        slug=integration.slug,
        display_name=integration.name,
        profile=integration.default_profile,
        status="available",
        setup_url=connect_url(platform.settings, integration.slug, app_id),
        **_branding(platform, integration),
    )


def _connected(platform: Platform, caller: Caller, bound: _Bound, is_sandbox: bool) -> ConnectionEntry:
    connection, integration = bound.connection, bound.integration
    entry = ConnectionEntry(
        id=str(connection.id),
        external_id=connection.external_id,
        slug=bound.binding.provider_slug,
        display_name=connection.display_name
        or (integration.name if integration else connection.provider_slug),
        profile=connection.profile,
        status=_SHOWN[ConnectionStatus(connection.status)],
        metadata=_public_metadata(bound),
        context=_context(bound),
        connected_at=iso(connection.connected_at),
        env_bootstrap=integration.env_bootstrap if integration else None,
        **_branding(platform, integration),
    )
    if entry.status == "connected":
        _add_credential(platform, caller, bound, entry)
    else:
        entry.error_message = connection.error_message
    if is_sandbox and entry.exclusive:
        entry.credential = entry.env_bootstrap = None
        entry.metadata.pop("credential", None)
    return entry


def _add_credential(platform: Platform, caller: Caller, bound: _Bound, entry: ConnectionEntry) -> None:
    try:
        credential = open_credential(platform, bound.connection, caller.bearer)
    except DecryptError:
        entry.status, entry.error_message = "error", "The stored credential cannot be read. Connect it again."
        return
    if credential is None:
        return
    entry.credential = {
        name: value for name, value in credential.items() if isinstance(value, str | int | float)
    }
    if bound.connection.profile == Profile.MANAGED_POOL:
        entry.api_key, entry.base_url = caller.bearer, credential["base_url"]
    declared: Sequence[Mapping[str, str]] = bound.integration.env_vars if bound.integration else ()
    if variables := project_variables(declared, credential, bound.connection.details):
        entry.metadata["credential"] = variables


def _branding(platform: Platform, integration: Integration | None) -> dict[str, Any]:
    if integration is None:
        return {}
    logo = integration.logo_url or ""
    return {
        "category": integration.category,
        "exclusive": integration.exclusive,
        "logo_url": f"{platform.settings.public_url}{logo}" if logo.startswith("/") else logo,
        "brand_color": integration.brand_color,
        "docs_url": integration.docs_url,
    }


def _public_metadata(bound: _Bound) -> dict[str, Any]:
    """What is kept with the connection and the binding, without the webhook's signing secret."""
    details = {**bound.connection.details, **bound.binding.details}
    details.pop("credential", None)
    webhook = details.pop("webhook", None)
    if isinstance(webhook, dict):
        rest = {name: value for name, value in webhook.items() if name != "signing_secret"}
        details |= {"webhook": rest} if rest else {}
    return details


def _context(bound: _Bound) -> dict[str, Any] | None:
    contexts = bound.connection.details.get("context")
    found = contexts.get(bound.binding.provider_slug) if isinstance(contexts, dict) else None
    return found if isinstance(found, dict) else None
