"""`POST /api/deploy` and the owner's views of deployments."""

import json
import re
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request

from app.catalog.releases import find_active_release, is_older_version
from app.core.idempotency import Answer, Scope, answer_once, check_key, fingerprint
from app.deployments import schemas
from app.deployments.delivery import Accepted, deliver_or_undo
from app.deployments.log_stream import stream_logs
from app.deployments.logs import list_logs, parse_log_query
from app.deployments.models import DeploymentStatus
from app.deployments.naming import format_deployment_id
from app.deployments.queries import check_parameters, refuse_parameter
from app.deployments.requests import Caller, DeployOrder, request_deploy
from app.deployments.service import (
    MAX_PAGE,
    ListFilter,
    OwnedDeployment,
    get_owned_deployment,
    list_owned_deployments,
    list_services,
)
from app.deployments.views import dump_detail, dump_summary
from app.envelopes import flat_with_detail
from app.http import Call, Doc, client_ip, json_response, parse_fields, route
from app.identity.tenants import get_owned_tenant

bp = Blueprint("deployments", __name__)

DEPLOY_ROUTE = "/api/deploy"
_OWNER = ("session",)


@route(
    bp,
    "POST",
    DEPLOY_ROUTE,
    Doc(
        "Deploy a tool of the catalog",
        auth=_OWNER,
        body=schemas.DeployRequest,
        returns=schemas.DeployAccepted,
        status=201,
        errors=(400, 401, 402, 403, 404, 409, 413, 429, 500, 502),
    ),
    envelope=flat_with_detail,
)
def deploy(call: Call) -> Response:
    principal = call.require_principal()
    call.check_limit("deploy", call.platform.settings.deploy_limit, client_ip())
    raw = call.object()
    body = parse_fields(schemas.DeployRequest, raw)
    tenant = get_owned_tenant(call.session, principal, body.tenant_slug)
    order = _order(body)
    key = request.headers.get("Idempotency-Key")
    check_key(key)
    scope = Scope(tenant.id, DEPLOY_ROUTE, key) if key is not None else None

    def work() -> Answer:
        operation = request_deploy(call.session, call.platform, Caller(principal, tenant), order)
        accepted = Accepted(operation.deployment_id, operation.id, scope)
        call.then(lambda: deliver_or_undo(call.platform, accepted))
        answer = {"deploymentId": format_deployment_id(operation.deployment_id)}
        return Answer(201, json.dumps(answer))

    if scope is None:
        return _send(work())
    return _send(answer_once(call.session, call.platform.cache, scope, fingerprint(raw), work))


@route(
    bp,
    "GET",
    "/api/deployments",
    Doc(
        "List your deployments, newest first",
        auth=_OWNER,
        query=schemas.ListQuery,
        returns=schemas.DeploymentPage,
        errors=(400, 401),
    ),
)
def list_deployments(call: Call) -> dict[str, Any]:
    principal = call.require_principal()
    page, cursor = list_owned_deployments(call.session, principal, _list_filter())
    return {"deployments": [_summary(call, owned) for owned in page], "nextCursor": cursor}


@route(
    bp,
    "GET",
    "/api/deployments/<deployment_id>",
    Doc("Read one deployment", auth=_OWNER, returns=schemas.DeploymentAnswer, errors=(401, 404)),
)
def read_deployment(call: Call, deployment_id: str) -> dict[str, Any]:
    owned = get_owned_deployment(call.session, call.require_principal(), deployment_id)
    release = find_active_release(call.session, owned.tool.id)
    latest = release.template_version if release else None
    services = list_services(call.session, owned.deployment.id)
    return {"deployment": dump_detail(_summary(call, owned), owned, latest, services)}


@route(
    bp,
    "GET",
    "/api/deployments/<deployment_id>/logs",
    Doc(
        "Read or follow the logs of a deployment",
        auth=_OWNER,
        query=schemas.LogQuery,
        returns=schemas.LogPage,
        errors=(400, 401, 404),
    ),
)
def read_logs(call: Call, deployment_id: str) -> Response | dict[str, Any]:
    owned = get_owned_deployment(call.session, call.require_principal(), deployment_id)
    check_parameters(dict(request.args.lists()))
    chosen = parse_log_query(request.args)
    if chosen.is_followed:
        return stream_logs(
            call.platform, owned.deployment.id, chosen, request.headers.get("Last-Event-ID", "")
        )
    rows = list_logs(call.session, owned.deployment.id, chosen)
    cursor = str(rows[-1]["id"]) if len(rows) == chosen.limit else None
    return {"source": chosen.source, "logs": rows, "nextCursor": cursor}


def _order(body: schemas.DeployRequest) -> DeployOrder:
    return DeployOrder(
        tool_slug=body.tool_slug,
        deployment_slug=body.deployment_slug.strip(),
        deployment_name=body.deployment_name.strip(),
        admin_password=body.admin_password if body.admin_password.strip() else "",
        user_variables=body.user_variables,
        bindings=tuple(dict.fromkeys(body.bindings)),
        selected_bindings={name: UUID(value) for name, value in body.selected_bindings.items()},
        pending_bindings=body.pending_bindings,
        user_input=body.user_input,
    )


def _send(answer: Answer) -> Response:
    response = json_response(json.loads(answer.body), answer.status)
    response.set_data(answer.body)
    if answer.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _summary(call: Call, owned: OwnedDeployment) -> dict[str, Any]:
    release = find_active_release(call.session, owned.tool.id)
    deployed = owned.deployment.deployed_template_version
    has_update = bool(release and deployed and is_older_version(deployed, release.template_version))
    return dump_summary(call.platform.settings, owned, has_update)


def _list_filter() -> ListFilter:
    check_parameters(dict(request.args.lists()))
    # A parameter without a value is one that was left out.
    statuses = tuple(filter(None, request.args.getlist("status")))
    if not set(statuses) <= set(DeploymentStatus):
        raise refuse_parameter("status")
    limit = request.args.get("limit") or "50"
    if not re.fullmatch(r"[0-9]{1,3}", limit) or not 1 <= int(limit) <= MAX_PAGE:
        raise refuse_parameter("limit")
    return ListFilter(
        statuses=statuses,
        tool_slug=request.args.get("toolSlug", ""),
        include_destroyed=request.args.get("includeDestroyed") == "1",
        limit=int(limit),
        cursor=request.args.get("cursor", ""),
    )
