"""Pages for people: the start page, sign in and sign up; and what the root says to programs."""

from flask import Blueprint, Response, make_response, render_template, request
from pydantic import BaseModel

from app.core.urls import app_url
from app.deployments.service import ListFilter, OwnedDeployment, list_owned_deployments
from app.http import Call, Doc, json_response, route, same_origin_path

bp = Blueprint(
    "web", __name__, template_folder="templates", static_folder="static", static_url_path="/static"
)

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


_DESCRIPTION = {"name": "Berth", "docs": "/docs/", "openapi": "/openapi.json"}


class Health(BaseModel):
    ok: bool


@bp.after_request
def harden(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response


@route(bp, "GET", "/", Doc("Start page, or a description of this API", media="text/html"))
def home(call: Call) -> Response:
    best = request.accept_mimetypes.best_match(["application/json", "text/html"], "application/json")
    return _start_page(call) if best == "text/html" else json_response(_DESCRIPTION)


@route(bp, "GET", "/health", Doc("That the web process answers", returns=Health))
def health(call: Call) -> Health:
    return Health(ok=True)


@route(bp, "GET", "/sign-in", Doc("Sign-in page", media="text/html"))
def sign_in(call: Call) -> Response:
    return _page("sign_in.html", call)


@route(bp, "GET", "/sign-up", Doc("Sign-up page", media="text/html"))
def sign_up(call: Call) -> Response:
    return _page("sign_up.html", call)


def _start_page(call: Call) -> Response:
    principal = call.find_principal()
    page, _ = list_owned_deployments(call.session, principal, ListFilter()) if principal else ([], None)
    rows = [_row(call, owned) for owned in page]
    response = make_response(render_template("start.html", principal=principal, deployments=rows))
    response.headers["Cache-Control"] = "no-store"
    return response


def _row(call: Call, owned: OwnedDeployment) -> dict[str, str]:
    deployment = owned.deployment
    url = app_url(call.platform.settings, deployment.subdomain)
    return {"name": deployment.deployment_name, "status": deployment.status, "url": url}


def _page(template: str, call: Call) -> Response:
    target = same_origin_path(request.args.get("next"))
    enabled = call.platform.settings.sign_up_enabled
    response = make_response(render_template(template, next=target, sign_up_enabled=enabled))
    response.headers["Cache-Control"] = "no-store"
    return response
