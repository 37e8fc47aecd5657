"""Deployments in the wire's shape (deploy.md 3.1)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from app.core.clock import iso
from app.core.config import Settings
from app.core.urls import app_url
from app.deployments.models import DeploymentService
from app.deployments.naming import format_deployment_id
from app.deployments.service import OwnedDeployment

REAPED_AFTER = timedelta(days=90)


def dump_summary(settings: Settings, owned: OwnedDeployment, is_update_available: bool) -> dict[str, Any]:
    """The fields marked S."""
    row, tenant, tool = owned.deployment, owned.tenant, owned.tool
    return {
        "id": format_deployment_id(row.id),
        "tenantId": str(tenant.id),
        "tenantSlug": tenant.slug,
        "toolId": str(tool.id),
        "toolSlug": tool.slug,
        "toolName": tool.name,
        "appId": str(row.authorization_id) if row.authorization_id else None,
        "deploymentSlug": row.deployment_slug,
        "deploymentName": row.deployment_name,
        "subdomain": row.subdomain,
        "url": app_url(settings, row.subdomain),
        "status": row.status,
        "healthStatus": row.health_status,
        "progress": row.progress,
        "currentStep": row.current_step,
        "updateAvailable": is_update_available,
        "restartRequired": row.restart_required,
        "vendoAuth": row.vendo_auth,
        "isTest": row.is_test,
        "createdAt": iso(row.created_at),
        "updatedAt": iso(row.updated_at),
    }


def dump_detail(
    summary: dict[str, Any],
    owned: OwnedDeployment,
    latest_version: str | None,
    services: Sequence[DeploymentService],
) -> dict[str, Any]:
    """Everything an owner may read of one deployment."""
    row = owned.deployment
    return {
        **summary,
        "errorStep": row.error_step,
        "errorMessage": row.error_message,
        "bundleVersion": row.bundle_version,
        "deployedTemplateVersion": row.deployed_template_version,
        "previousTemplateVersion": row.previous_template_version,
        "latestTemplateVersion": latest_version,
        "computeProvider": row.compute_provider,
        "suspensionReason": row.suspension_reason,
        "suspendedAt": iso(row.suspended_at),
        "destroyAfter": iso(row.suspended_at + REAPED_AFTER) if row.suspended_at else None,
        "readyAt": iso(row.ready_at),
        "destroyedAt": iso(row.destroyed_at),
        "lastHealthCheckAt": iso(row.last_health_check_at),
        "autoUpdatePausedAt": iso(row.auto_update_paused_at),
        "consecutiveFailures": row.consecutive_failures,
        "attempt": row.attempt,
        "services": [dump_service(service) for service in services],
    }


def dump_service(service: DeploymentService) -> dict[str, Any]:
    return {
        "name": service.name,
        "role": service.role,
        "state": service.state,
        "image": service.image,
        "restarts": service.restarts,
        "startedAt": iso(service.started_at),
    }
