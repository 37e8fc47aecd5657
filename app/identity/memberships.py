"""Which workspaces a person belongs to."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import TenantMember


def list_tenant_ids(session: Session, user_id: UUID) -> list[UUID]:
    """List the workspaces this person owns or is a member of."""
    return list(session.scalars(select(TenantMember.tenant_id).where(TenantMember.user_id == user_id)))
