"""Which connection each provider of a deploy gets (deploy.md 1.4), checked first, written later."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.catalog.models import Integration
from app.connections.integrations import find_enabled, has_pool
from app.connections.models import Binding, Connection, ConnectionStatus
from app.connections.pools import ensure_pool_connection
from app.core.errors import BerthError, ConflictError, InvalidError, NotFoundError

# Slug and name of the live deployment that holds a connection, or None.
FindHolder = Callable[[Session, UUID], tuple[str, str] | None]
# Checks a pending credential with its provider and returns a row that is not stored yet.
InlineConnect = Callable[[UUID, Mapping[str, Any]], Connection]

INLINE_CONNECTS: dict[str, InlineConnect] = {}


@dataclass(frozen=True)
class BindingRequest:
    """The binding fields of a deploy body beside what the manifest asks for."""

    bindings: Sequence[str] = ()
    selected_bindings: Mapping[str, UUID] = field(default_factory=dict)
    pending_bindings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    manifest_integrations: Sequence[Mapping[str, Any]] = ()

    @property
    def named(self) -> list[str]:
        """Every provider that the caller names, once, in the order of the fields."""
        return list(dict.fromkeys([*self.bindings, *self.selected_bindings, *self.pending_bindings]))

    @property
    def required(self) -> list[str]:
        return [entry["provider"] for entry in self.manifest_integrations if not entry.get("optional")]


@dataclass(frozen=True)
class Choice:
    """One provider and its connection; None stands for the tenant's pool connection, made when absent."""

    integration: Integration
    connection: Connection | None


@dataclass(frozen=True)
class BindingPlan:
    choices: tuple[Choice, ...] = ()


def plan_bindings(
    session: Session, tenant_id: UUID, request: BindingRequest, find_holder: FindHolder
) -> BindingPlan:
    """Choose a connection for every provider opted into, writing nothing.

    Raises the errors of checks 12 to 15 of deploy.md 1.1 in their order.
    """
    known = find_enabled(session, [*request.named, *request.required])
    if unknown := [slug for slug in request.named if slug not in known]:
        raise InvalidError(
            f"Unknown integrations: {', '.join(unknown)}", code="UNKNOWN_BINDING", extras={"unknown": unknown}
        )
    selected = {
        slug: _get_selected(session, tenant_id, known[slug], connection_id, find_holder)
        for slug, connection_id in request.selected_bindings.items()
    }
    _check_covered(request, known)
    pending = {
        slug: _connect_inline(tenant_id, slug, credential)
        for slug, credential in request.pending_bindings.items()
        if slug not in selected
    }
    opted_in = [known[slug] for slug in dict.fromkeys([*request.named, *request.required])]
    return BindingPlan(tuple(_choose(opted_in, {**pending, **selected})))


def apply_bindings(session: Session, app_id: UUID, tenant_id: UUID, plan: BindingPlan) -> None:
    """Bind an app as planned, in the caller's transaction.

    Raises IntegrityError `uq_bindings_exclusive_connection` when an exclusive connection was bound meanwhile.
    """
    # In one order for everybody: two deploys that make the same pool rows must not wait for each other.
    for choice in sorted(plan.choices, key=lambda choice: choice.integration.slug):
        session.add(
            Binding(
                app_id=app_id,
                provider_slug=choice.integration.slug,
                connection_id=_store(session, tenant_id, choice),
                is_exclusive=choice.integration.exclusive,
            )
        )
    session.flush()


def list_broken_bindings(session: Session, app_id: UUID) -> list[str]:
    """Providers of an app whose connection is not active any more."""
    statement = (
        select(Binding.provider_slug)
        .join(Connection, Connection.id == Binding.connection_id)
        .where(Binding.app_id == app_id, Connection.status != ConnectionStatus.ACTIVE)
        .order_by(Binding.provider_slug)
    )
    return list(session.scalars(statement))


def drop_bindings(session: Session, app_id: UUID) -> None:
    """Delete every binding of an app; the connections stay."""
    session.execute(delete(Binding).where(Binding.app_id == app_id))


def _get_selected(
    session: Session, tenant_id: UUID, integration: Integration, connection_id: UUID, find_holder: FindHolder
) -> Connection:
    statement = select(Connection).where(Connection.id == connection_id, Connection.tenant_id == tenant_id)
    # The lock makes a second deploy of an exclusive connection wait and then see who holds it.
    connection = session.scalar(statement.with_for_update() if integration.exclusive else statement)
    if connection is None:
        raise _refused(NotFoundError, "CONNECTION_NOT_FOUND", "No such connection.", integration.slug)
    if connection.provider_slug != integration.slug:
        raise _refused(
            InvalidError, "PROVIDER_MISMATCH", "The connection is for another provider.", integration.slug
        )
    if connection.status != ConnectionStatus.ACTIVE:
        raise _refused(InvalidError, "CONNECTION_INACTIVE", "The connection is not active.", integration.slug)
    holder = find_holder(session, connection_id) if integration.exclusive else None
    if holder is not None:
        raise ConflictError(
            f"The connection is in use by {holder[1]}.",
            code="CONNECTION_IN_USE",
            extras={
                "provider": integration.slug,
                "bound_to": {"deployment_slug": holder[0], "deployment_name": holder[1]},
            },
        )
    return connection


def _refused(kind: type[BerthError], code: str, message: str, provider: str) -> BerthError:
    return kind(message, code=code, extras={"provider": provider})


def _check_covered(request: BindingRequest, known: Mapping[str, Integration]) -> None:
    brought = {*request.selected_bindings, *request.pending_bindings}
    missing = [
        slug
        for slug in dict.fromkeys(request.required)
        if slug not in brought and not (slug in known and has_pool(known[slug]))
    ]
    if missing:
        raise InvalidError(
            f"Connect these integrations first: {', '.join(missing)}",
            code="MISSING_BINDING",
            extras={"missing": missing},
        )


def _connect_inline(tenant_id: UUID, slug: str, credential: Mapping[str, Any]) -> Connection:
    connect = INLINE_CONNECTS.get(slug)
    if connect is None:
        raise InvalidError(token="no_inline_connect", extras={"provider": slug})
    return connect(tenant_id, credential)


def _choose(opted_in: Sequence[Integration], brought: Mapping[str, Connection]) -> Iterator[Choice]:
    for integration in opted_in:
        if integration.slug in brought:
            yield Choice(integration, brought[integration.slug])
        elif has_pool(integration):
            yield Choice(integration, None)


def _store(session: Session, tenant_id: UUID, choice: Choice) -> UUID:
    if choice.connection is None:
        return ensure_pool_connection(session, tenant_id, choice.integration)
    session.add(choice.connection)
    session.flush()
    return choice.connection.id
