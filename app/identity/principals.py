"""Who is calling: a signed-in person, or a deployed tool with its key."""

from dataclasses import dataclass
from uuid import UUID

SESSION_COOKIE = "berth_session"


@dataclass(frozen=True)
class Principal:
    """A person behind a session cookie."""

    user_id: UUID
    email: str
    display_name: str
    is_admin: bool
    session_id: UUID


@dataclass(frozen=True)
class KeyPrincipal:
    """A program behind a `vendo_sk_` key; the tenant comes from the key row alone."""

    key_id: UUID
    tenant_id: UUID
    app_id: UUID | None
    connection_id: UUID | None

    @property
    def is_app(self) -> bool:
        return self.app_id is not None
