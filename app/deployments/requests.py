"""`POST /api/deploy`: the pre-flight of deploy.md 1.1 in its order, then every row in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.billing.service import check_deploy_gate
from app.catalog.manifest_defaults import normalize_manifest
from app.catalog.models import Tool, ToolRelease
from app.catalog.placeholders import reserved_variables
from app.catalog.releases import get_template
from app.catalog.tools import get_deployable_tool
from app.catalog.user_inputs import check_user_variables, to_text
from app.connections.bindings import BindingPlan, BindingRequest, apply_bindings, plan_bindings
from app.connections.integrations import list_integration_variables
from app.connections.models import App, Binding
from app.core.errors import ConflictError, FieldsError, InvalidError
from app.core.platform import Platform
from app.deployments.credentials import store_credential
from app.deployments.env import EnvRow, write_env
from app.deployments.models import Deployment, DeploymentStatus, EnvKind
from app.deployments.naming import check_slug, default_slug
from app.deployments.operation_models import Operation, OperationKind
from app.deployments.operations import enqueue_operation
from app.deployments.rollout import ADMIN_PASSWORD
from app.identity.models import Tenant
from app.identity.principals import Principal


@dataclass(frozen=True)
class DeployOrder:
    """A parsed deploy body; values of variables and credentials stay out of the repr."""

    tool_slug: str
    deployment_slug: str
    deployment_name: str
    admin_password: str
    user_variables: Mapping[str, Any]
    bindings: tuple[str, ...]
    selected_bindings: Mapping[str, UUID]
    pending_bindings: Mapping[str, dict[str, Any]]
    user_input: dict[str, Any]

    def __repr__(self) -> str:
        return f"DeployOrder({self.tool_slug!r}, {self.deployment_slug!r})"


@dataclass(frozen=True)
class Caller:
    """Who deploys where."""

    principal: Principal
    tenant: Tenant


@dataclass(frozen=True)
class _Cleared:
    """What the pre-flight found out."""

    tool: Tool
    release: ToolRelease
    manifest: dict[str, Any]
    slug: str
    label: str
    bindings: BindingPlan


def request_deploy(session: Session, platform: Platform, caller: Caller, order: DeployOrder) -> Operation:
    """Check everything, then write app, deployment, bindings, variables and the queued operation.

    Raises the errors of deploy.md 1.6 in the order of 1.1; nothing is kept when one is raised.
    """
    cleared = _preflight(session, platform, caller, order)
    try:
        return _write(session, platform, caller, order, cleared)
    except IntegrityError as error:
        raise _lost_race(error, cleared.label, platform.settings.base_domain) from None


def _preflight(session: Session, platform: Platform, caller: Caller, order: DeployOrder) -> _Cleared:
    settings, tenant = platform.settings, caller.tenant
    if not tenant.slug_chosen:
        raise InvalidError("Choose your workspace URL before deploying.", code="SLUG_REQUIRED")
    check_deploy_gate(session, settings, tenant, caller.principal.is_admin)
    tool, release = get_deployable_tool(session, caller.principal, order.tool_slug)
    slug = order.deployment_slug or default_slug(tool.slug, tenant.slug)
    label = check_slug(tenant.slug, slug, settings.reserved_hosts)
    _check_free(session, tenant, slug, label, settings.base_domain)
    manifest = normalize_manifest(get_template(session, tool.slug, release.template_version).manifest)
    _check_variables(session, manifest, order)
    request = BindingRequest(
        bindings=order.bindings,
        selected_bindings=order.selected_bindings,
        pending_bindings=order.pending_bindings,
        manifest_integrations=tuple(manifest["integrations"]),
    )
    plan = plan_bindings(session, tenant.id, request, find_holder)
    return _Cleared(tool, release, manifest, slug, label, plan)


def _check_free(session: Session, tenant: Tenant, slug: str, label: str, base_domain: str) -> None:
    # The label first: a rival that commits between the two questions is then found by its slug as well.
    is_label_taken = session.execute(select(func.fn_is_label_taken(label))).scalar()
    same_slug = select(Deployment.id).where(
        Deployment.tenant_id == tenant.id,
        Deployment.deployment_slug == slug,
        Deployment.status != DeploymentStatus.DESTROYED,
    )
    if session.execute(same_slug).first():
        raise _slug_taken(label, base_domain)
    if is_label_taken:
        raise _subdomain_taken(label, base_domain)


def _check_variables(session: Session, manifest: dict[str, Any], order: DeployOrder) -> None:
    reserved = reserved_variables(manifest, list_integration_variables(session))
    problems = check_user_variables(manifest["userInputs"], dict(order.user_variables), reserved)
    if problems:
        raise FieldsError({"userVariables": problems})


def _write(
    session: Session, platform: Platform, caller: Caller, order: DeployOrder, cleared: _Cleared
) -> Operation:
    tenant = caller.tenant
    app = App(tenant_id=tenant.id, kind="deployment", tool_id=cleared.tool.id)
    session.add(app)
    session.flush()
    deployment = _new_deployment(caller, order, cleared, app)
    session.add(deployment)
    session.flush()
    apply_bindings(session, app.id, tenant.id, cleared.bindings)
    rows = [
        EnvRow(key, to_text(value), EnvKind.USER, is_secret=key in _secret_inputs(cleared.manifest))
        for key, value in order.user_variables.items()
    ]
    write_env(session, platform.cipher, deployment.id, rows)
    if order.admin_password:
        store_credential(session, platform.cipher, deployment.id, ADMIN_PASSWORD, order.admin_password)
    return enqueue_operation(session, deployment, OperationKind.DEPLOY, cleared.release.template_version)


def _new_deployment(caller: Caller, order: DeployOrder, cleared: _Cleared, app: App) -> Deployment:
    return Deployment(
        tenant_id=caller.tenant.id,
        tool_id=cleared.tool.id,
        authorization_id=app.id,
        created_by_user_id=caller.principal.user_id,
        deployment_slug=cleared.slug,
        deployment_name=order.deployment_name or cleared.tool.name,
        subdomain=cleared.label,
        status=DeploymentStatus.PENDING,
        compute_provider=cleared.manifest["computeProvider"],
        vendo_auth_default=cleared.manifest["vendoAuth"],
        is_test=caller.tenant.is_test,
        admin_email=str(order.user_variables.get("ADMIN_EMAIL") or caller.principal.email),
        user_input=order.user_input,
    )


def find_holder(session: Session, connection_id: UUID) -> tuple[str, str] | None:
    """Slug and name of the live deployment that holds this connection, for `bound_to`."""
    statement = (
        select(Deployment.deployment_slug, Deployment.deployment_name)
        .join(Binding, Binding.app_id == Deployment.authorization_id)
        .where(Binding.connection_id == connection_id, Deployment.status != DeploymentStatus.DESTROYED)
    )
    row = session.execute(statement).first()
    return (row[0], row[1]) if row else None


def _secret_inputs(manifest: Mapping[str, Any]) -> set[str]:
    return {
        entry["key"]
        for entry in manifest["userInputs"]
        if entry.get("visibility") == "secret" or entry.get("inputType") == "password"
    }


def _slug_taken(label: str, base_domain: str) -> ConflictError:
    return ConflictError(
        f"A deployment already exists at {label}.{base_domain}. Pick a different slug.", code="SLUG_TAKEN"
    )


def _subdomain_taken(label: str, base_domain: str) -> ConflictError:
    return ConflictError(f"{label}.{base_domain} is in use. Pick a different slug.", code="SUBDOMAIN_TAKEN")


def _lost_race(error: IntegrityError, label: str, base_domain: str) -> Exception:
    """The 409 of a caller that passed the checks and lost the insert."""
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if constraint == "uq_deployments_slug":
        return _slug_taken(label, base_domain)
    if constraint == "uq_deployments_subdomain":
        return _subdomain_taken(label, base_domain)
    if constraint == "uq_bindings_exclusive_connection":
        return ConflictError("A connection was bound elsewhere meanwhile.", code="CONNECTION_IN_USE")
    return error
