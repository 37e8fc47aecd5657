"""What a workflow changes in the rows of its deployment: each function one decision, each repeatable."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.catalog.manifest import validate_manifest
from app.catalog.manifest_defaults import normalize_manifest
from app.catalog.models import Tool
from app.catalog.placeholders import has_bootstrap_admin, has_database
from app.catalog.releases import get_template
from app.connections.bindings import list_broken_bindings
from app.core.clock import utc_now
from app.core.errors import InvalidError
from app.core.platform import Platform
from app.deployments.credentials import generate_secret, read_credentials, store_credential
from app.deployments.env import EnvRow, read_env, write_env
from app.deployments.models import (
    Deployment,
    DeploymentService,
    DeploymentStatus,
    DeploymentVersion,
    EnvKind,
    HealthStatus,
)
from app.deployments.operation_models import Operation
from app.identity.keys import find_live_key, mint_app_key
from app.identity.models import Tenant

APP_KEY = "VENDO_API_KEY"
# Upper case, because a manifest may declare a secret of any lower-case name.
WEBHOOK_SECRET = "VENDO_WEBHOOK_SECRET"
DATABASE_PASSWORD = "database_password"
ADMIN_PASSWORD = "admin_password"
ADMIN_PASSWORD_LENGTH = 24


@dataclass(frozen=True)
class Parties:
    """A deployment with the rows that its workflow reads."""

    deployment: Deployment
    tenant: Tenant
    tool: Tool
    target_version: str | None


@dataclass(frozen=True)
class ObservedService:
    """One service as the engine shows it."""

    name: str
    position: int
    role: str
    state: str
    image: str
    image_id: str | None
    container_id: str | None
    restarts: int
    started_at: datetime | None


def get_parties(session: Session, operation_id: UUID) -> Parties:
    statement = (
        select(Deployment, Tenant, Tool, Operation.target_version)
        .join(Operation, Operation.deployment_id == Deployment.id)
        .join(Tenant, Tenant.id == Deployment.tenant_id)
        .join(Tool, Tool.id == Deployment.tool_id)
        .where(Operation.id == operation_id)
    )
    return Parties(*session.execute(statement).one())


def begin_workflow(deployment: Deployment, status: DeploymentStatus, first_step: str) -> None:
    """Show that a worker has picked the operation up."""
    if deployment.status != status:
        deployment.status, deployment.progress = status, 0
        deployment.error_step = deployment.error_message = None
    deployment.current_step = first_step


def snapshot_template(session: Session, parties: Parties) -> str:
    """Pin the manifest of the accepted version to the deployment; raises InvalidError with all problems."""
    version = parties.target_version or ""
    stored = get_template(session, parties.tool.slug, version).manifest
    report = validate_manifest(stored, known_providers=None)
    if report.problems:
        raise InvalidError("The tool's template is not valid: " + "; ".join(report.problems))
    parties.deployment.manifest = normalize_manifest(stored)
    parties.deployment.bundle_version = parties.deployment.deployed_template_version = version
    return version


def collect_secrets(session: Session, platform: Platform, parties: Parties) -> int:
    """Make every secret that is not there yet, the App Key included; returns how many are new.

    Raises InvalidError when a connection bound by the request cannot be used any more.
    """
    deployment = parties.deployment
    app_id = deployment.authorization_id
    if app_id and (broken := list_broken_bindings(session, app_id)):
        raise InvalidError(f"A connection is no longer usable: {', '.join(broken)}")
    known = read_credentials(session, platform.cipher, deployment.id)
    wanted = {name: value for name, value in _new_secrets(deployment.manifest or {}) if name not in known}
    for name, value in wanted.items():
        store_credential(session, platform.cipher, deployment.id, name, value)
    return len(wanted) + _ensure_app_key(session, platform, parties)


def list_secret_values(session: Session, platform: Platform, deployment_id: UUID) -> list[str]:
    """Everything about a deployment that no log may show."""
    rows = read_env(session, platform.cipher, deployment_id)
    stored = read_credentials(session, platform.cipher, deployment_id).values()
    return [*stored, *(row.value for row in rows if row.is_secret)]


def observe_services(session: Session, deployment_id: UUID, observed: Iterable[ObservedService]) -> None:
    """Remember what the engine shows, one row per service."""
    for service in observed:
        values = {
            "position": service.position,
            "role": service.role,
            "state": service.state,
            "image": service.image,
            "image_id": service.image_id,
            "container_id": service.container_id,
            "restarts": service.restarts,
            "started_at": service.started_at,
            "observed_at": utc_now(),
        }
        statement = insert(DeploymentService).values(deployment_id=deployment_id, name=service.name, **values)
        session.execute(
            statement.on_conflict_do_update(index_elements=["deployment_id", "name"], set_=values)
        )


def store_version(session: Session, deployment: Deployment, image_ids: Mapping[str, str]) -> None:
    """Keep manifest and image digests of the version that became ready, for rollback."""
    statement = insert(DeploymentVersion).values(
        deployment_id=deployment.id,
        version=deployment.deployed_template_version,
        manifest=deployment.manifest,
        image_ids=dict(image_ids),
    )
    session.execute(statement.on_conflict_do_nothing())


def mark_running(deployment: Deployment) -> None:
    deployment.status = DeploymentStatus.RUNNING
    deployment.health_status = HealthStatus.HEALTHY
    deployment.progress, deployment.current_step = 100, None
    deployment.ready_at = deployment.ready_at or utc_now()
    deployment.restart_required = False


def mark_failed(deployment: Deployment, step: str, message: str) -> None:
    """The failure that the owner reads; progress stays where it stopped."""
    deployment.status = DeploymentStatus.FAILED
    deployment.error_step, deployment.error_message = step, message


def _new_secrets(manifest: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for name, declared in manifest.get("secrets", {}).items():
        yield name, generate_secret(declared)
    yield WEBHOOK_SECRET, f"whsec_{secrets.token_urlsafe(24)}"
    if has_bootstrap_admin(manifest):
        yield ADMIN_PASSWORD, secrets.token_urlsafe(ADMIN_PASSWORD_LENGTH)[:ADMIN_PASSWORD_LENGTH]
    if has_database(manifest, "postgresql"):
        yield DATABASE_PASSWORD, secrets.token_hex(16)


def _ensure_app_key(session: Session, platform: Platform, parties: Parties) -> int:
    deployment = parties.deployment
    if deployment.authorization_id is None:
        return 0
    held = next(
        (row.value for row in read_env(session, platform.cipher, deployment.id) if row.key == APP_KEY), ""
    )
    if held and find_live_key(session, held):
        return 0
    name = f"{parties.tool.name} ({deployment.deployment_slug})"
    minted = mint_app_key(session, deployment.tenant_id, deployment.authorization_id, name)
    row = EnvRow(APP_KEY, minted.plaintext, EnvKind.SYSTEM, is_secret=True)
    write_env(session, platform.cipher, deployment.id, [row])
    return 1
