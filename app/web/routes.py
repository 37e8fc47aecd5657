"""Pages for people: sign in and sign up."""

from flask import Blueprint, Response, make_response, render_template, request

from app.http import Call, Doc, route, same_origin_path

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


@bp.after_request
def harden(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response


@route(bp, "GET", "/sign-in", Doc("Sign-in page", media="text/html"))
def sign_in(call: Call) -> Response:
    return _page("sign_in.html", call)


@route(bp, "GET", "/sign-up", Doc("Sign-up page", media="text/html"))
def sign_up(call: Call) -> Response:
    return _page("sign_up.html", call)


def _page(template: str, call: Call) -> Response:
    target = same_origin_path(request.args.get("next"))
    enabled = call.platform.settings.sign_up_enabled
    response = make_response(render_template(template, next=target, sign_up_enabled=enabled))
    response.headers["Cache-Control"] = "no-store"
    return response
