"""Rows that tests stand on, made through the services that make them in production."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient

from app.billing.models import Credit, StripeCustomer
from app.core.platform import Platform
from app.identity.models import Tenant, TenantMember, User
from app.identity.principals import SESSION_COOKIE
from app.identity.sessions import start_session


@dataclass(frozen=True)
class Workspace:
    """A tenant, its owner, and a client that carries the owner's cookie."""

    client: FlaskClient
    user_id: UUID
    email: str
    tenant_id: UUID
    slug: str


def unique(prefix: str) -> str:
    return f"{prefix}{secrets.token_hex(4)}"


def make_user(platform: Platform, is_admin: bool = False) -> User:
    with platform.database.transaction() as session:
        user = User(email=f"{unique('user')}@berth.example", is_admin=is_admin)
        session.add(user)
    return user


def sign_in(app: Flask, platform: Platform, user: User) -> FlaskClient:
    """A client that carries a fresh session cookie of `user`."""
    with platform.database.transaction() as session:
        token = start_session(session, user, "tests")
    client = app.test_client()
    client.set_cookie(SESSION_COOKIE, token)
    return client


def make_tenant(platform: Platform, owner: User, slug_chosen: bool = True) -> Tenant:
    with platform.database.transaction() as session:
        slug = unique("t")
        tenant = Tenant(
            name=slug.title(),
            slug=slug,
            owner_id=owner.id,
            referral_code=secrets.token_hex(3).upper(),
            slug_chosen=slug_chosen,
        )
        session.add(tenant)
        session.flush()
        session.add(TenantMember(tenant_id=tenant.id, user_id=owner.id, role="owner"))
    return tenant


def fund(platform: Platform, tenant_id: UUID, micros: int = 25_000_000) -> None:
    """Set up billing by hand and grant credits."""
    with platform.database.transaction() as session:
        session.add(
            StripeCustomer(tenant_id=tenant_id, stripe_customer_id=f"manual_{tenant_id}", email="x@y.example")
        )
        session.add(
            Credit(
                tenant_id=tenant_id,
                amount_micros=micros,
                source="grant",
                idempotency_key=f"grant_{secrets.token_hex(8)}",
            )
        )


def make_workspace(app: Flask, platform: Platform, is_admin: bool = False) -> Workspace:
    user = make_user(platform, is_admin)
    tenant = make_tenant(platform, user)
    fund(platform, tenant.id)
    return Workspace(sign_in(app, platform, user), user.id, user.email, tenant.id, tenant.slug)
