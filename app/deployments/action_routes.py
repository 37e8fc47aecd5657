"""What an owner does to a deployment (deploy.md 3.2): each answers 202 and the status that it leads to."""

from typing import Any

from flask import Blueprint
from pydantic import BaseModel

from app.deployments import schemas
from app.deployments.actions import request_retry
from app.deployments.delivery import ring_or_refuse
from app.deployments.models import Deployment, DeploymentStatus
from app.deployments.naming import format_deployment_id
from app.deployments.service import check_confirmation, get_owned_deployment, request_destroy
from app.http import Call, Doc, route

bp = Blueprint("deployment_actions", __name__)


def _action(summary: str, body: type[BaseModel], errors: tuple[int, ...]) -> Doc:
    return Doc(summary, ("session",), body, returns=schemas.ActionAccepted, status=202, errors=errors)


@route(
    bp,
    "POST",
    "/api/deployments/<deployment_id>/retry",
    _action("Try a failed deployment again", schemas.NoBody, (400, 401, 402, 403, 404, 409, 413, 502)),
)
def retry(call: Call, deployment_id: str) -> dict[str, Any]:
    principal = call.require_principal()
    owned = get_owned_deployment(call.session, principal, deployment_id)
    call.parse_optional(schemas.NoBody)
    operation = request_retry(call.session, call.platform, principal, owned)
    ring_or_refuse(call.session, call.platform, operation.id)
    return _accepted(owned.deployment)


@route(
    bp,
    "POST",
    "/api/deployments/<deployment_id>/destroy",
    _action("Destroy a deployment and its data", schemas.DestroyRequest, (400, 401, 403, 404, 413, 502)),
)
def destroy(call: Call, deployment_id: str) -> tuple[dict[str, Any], int]:
    owned = get_owned_deployment(call.session, call.require_principal(), deployment_id)
    body = call.parse_optional(schemas.DestroyRequest)
    check_confirmation(owned.deployment, body.confirm)
    operation = request_destroy(call.session, owned.deployment)
    if operation is None:
        return _accepted(owned.deployment), 200
    ring_or_refuse(call.session, call.platform, operation.id)
    return _accepted(owned.deployment), 202


def _accepted(deployment: Deployment) -> dict[str, Any]:
    return {
        "ok": True,
        "deploymentId": format_deployment_id(deployment.id),
        "status": DeploymentStatus(deployment.status).value,
    }
