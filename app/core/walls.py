"""The second wall between tenants: row-level security in PostgreSQL.

Once a request knows its caller, its transaction sees that caller's rows only, whatever a query forgets.
Workers and the flask CLI act for the platform and are not narrowed.
"""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def narrow_to_user(session: Session, user_id: UUID) -> None:
    """For the rest of this transaction, show only rows of tenants that the user owns or belongs to."""
    session.execute(select(func.set_config("berth.user_id", str(user_id), True)))


def narrow_to_tenant(session: Session, tenant_id: UUID) -> None:
    """For the rest of this transaction, show only rows of one tenant."""
    session.execute(select(func.set_config("berth.tenant_id", str(tenant_id), True)))
