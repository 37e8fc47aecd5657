"""Rows that tests stand on, made through the services that make them in production."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from app.billing.models import Credit, StripeCustomer
from app.catalog import publishing
from app.catalog.integrations import seed_integrations
from app.catalog.publishing import CatalogFlags, Publication
from app.core.platform import Platform
from app.deployments.models import Deployment
from app.deployments.naming import parse_deployment_id
from app.deployments.operation_models import Operation, OperationStatus
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
            referral_code=secrets.token_hex(8).upper(),
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


def plain_manifest(**changes: Any) -> dict[str, Any]:
    """One web service that needs nothing, under a slug of its own; None removes a key."""
    manifest = {
        "slug": unique("tool"),
        "name": "Plain Tool",
        "version": "1.0.0",
        "services": [{"name": "web", "role": "web", "image": "registry.example.com/acme/plain:1.0.0"}],
        "readiness": {"healthPath": "/healthz"},
        "integrations": [],
        **changes,
    }
    return {key: value for key, value in manifest.items() if value is not None}


def publish_tool(platform: Platform, manifest: dict[str, Any], flags: CatalogFlags | None = None) -> str:
    """Publish a manifest as the active release of its tool, among seeded integrations; returns the slug."""
    with platform.database.transaction() as session:
        seed_integrations(session)
        publishing.publish_tool(session, platform.cache, Publication(manifest, flags=flags or CatalogFlags()))
    slug: str = manifest["slug"]
    return slug


def post_deploy(
    workspace: Workspace, tool_slug: str, headers: Mapping[str, str] | None = None, **body: Any
) -> TestResponse:
    """`POST /api/deploy` as the workspace's owner."""
    order = {"toolSlug": tool_slug, "tenantSlug": workspace.slug, **body}
    return workspace.client.post("/api/deploy", json=order, headers=dict(headers or {}))


def make_deployment(
    platform: Platform, workspace: Workspace, tool_slug: str, status: str = "running", **body: Any
) -> UUID:
    """A deployment accepted over HTTP whose operation is over and which has reached `status`."""
    answer = post_deploy(workspace, tool_slug, **body)
    assert answer.status_code == 201, answer.text
    deployment_id = parse_deployment_id(answer.json["deploymentId"])  # type: ignore[index]
    settle_operations(platform)
    with platform.database.transaction() as session:
        session.get_one(Deployment, deployment_id).status = status
    return deployment_id


def settle_operations(platform: Platform) -> None:
    """End every unfinished operation and silence its bell, so that no worker of another test runs it."""
    with platform.database.transaction() as session:
        unfinished = update(Operation).where(Operation.finished_at.is_(None))
        session.execute(
            unfinished.values(status=OperationStatus.SUPERSEDED, finished_at=Operation.created_at)
        )
    platform.redis.delete("deploys")
