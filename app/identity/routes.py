"""Accounts, sessions and workspaces over HTTP (identity-tenants.md 2, 4, 5)."""

from typing import Any

from flask import Blueprint, Response, request

from app.core.crypto import digest
from app.envelopes import availability
from app.http import Call, Doc, client_ip, route, to_response
from app.identity.models import User
from app.identity.principals import SESSION_COOKIE
from app.identity.schemas import (
    ProfileBody,
    SignedIn,
    SignedOut,
    SignInBody,
    SignUpBody,
    SlugAnswer,
    SlugQuery,
    TenantBody,
    TenantEditBody,
    TenantView,
    UserView,
    WhoAmI,
    read_body,
)
from app.identity.sessions import end_session, start_session
from app.identity.tenants import (
    INVALID_NAME,
    INVALID_NEW_TENANT,
    INVALID_SLUG,
    NewTenant,
    TenantEdit,
    create_tenant,
    edit_tenant,
    get_workspace,
    is_slug_available,
)
from app.identity.users import (
    INVALID_DISPLAY_NAME,
    INVALID_EMAIL,
    INVALID_PASSWORD,
    NewUser,
    ProfileEdit,
    authenticate_user,
    edit_profile,
    get_user,
    normal_email,
    sign_up,
)

bp = Blueprint("identity", __name__)

# The longest that browsers keep a cookie; the row behind it slides and decides when the session is over.
_COOKIE_SECONDS = 400 * 24 * 3600
_SIGN_UP_TEXTS = {"email": INVALID_EMAIL, "password": INVALID_PASSWORD, "displayName": INVALID_DISPLAY_NAME}
_TENANT_TEXTS = dict.fromkeys(("name", "slug", "isPersonal"), INVALID_NEW_TENANT)


@route(
    bp,
    "POST",
    "/api/auth/sign-up",
    Doc(
        "Create an account and sign in",
        body=SignUpBody,
        returns=SignedIn,
        status=201,
        errors=(400, 403, 409, 413, 429),
    ),
)
def create_account(call: Call) -> Response:
    call.check_origin()
    body = read_body(SignUpBody, call.json(), _SIGN_UP_TEXTS)
    _limit_by_email(call, "sign-up", body.email)
    new = NewUser(body.email, body.password, body.display_name)
    return _signed_in(call, sign_up(call.session, call.platform.settings, new), 201)


@route(
    bp,
    "POST",
    "/api/auth/sign-in",
    Doc("Sign in", body=SignInBody, returns=SignedIn, errors=(400, 401, 403, 413, 429)),
)
def sign_in(call: Call) -> Response:
    call.check_origin()
    body = read_body(SignInBody, call.json(), {})
    _limit_by_email(call, "sign-in", body.email)
    return _signed_in(call, authenticate_user(call.session, body.email, body.password), 200)


@route(
    bp,
    "POST",
    "/api/auth/sign-out",
    Doc("Sign out", auth=("optional_session",), returns=SignedOut, errors=(403,)),
)
def sign_out(call: Call) -> Response:
    call.check_origin()
    if token := request.cookies.get(SESSION_COOKIE):
        end_session(call.session, token)
    response = to_response(SignedOut(), 200)
    response.delete_cookie(SESSION_COOKIE, **_cookie_rules(call))
    return response


@route(bp, "GET", "/api/auth/me", Doc("Who is signed in", auth=("optional_session",), returns=WhoAmI))
def read_session(call: Call) -> Response:
    principal = call.find_principal()
    if principal is None:
        answer = WhoAmI(logged_in=False)
    else:
        answer = WhoAmI(logged_in=True, user_id=principal.user_id, email=principal.email)
    response = to_response(answer, 200)
    response.headers["Cache-Control"] = "no-store"
    return response


@route(bp, "GET", "/api/user/me", Doc("Your account", auth=("session",), returns=UserView, errors=(401, 500)))
def read_profile(call: Call) -> UserView:
    return UserView.model_validate(get_user(call.session, call.require_principal().user_id))


@route(
    bp,
    "PATCH",
    "/api/user/me",
    Doc(
        "Change your name, drop your picture",
        auth=("session",),
        body=ProfileBody,
        returns=UserView,
        errors=(400, 401, 403, 413, 500),
    ),
)
def update_profile(call: Call) -> UserView:
    principal = call.require_principal()
    body = read_body(ProfileBody, call.json(), {"displayName": INVALID_DISPLAY_NAME})
    name = body.display_name if "display_name" in body.model_fields_set else None
    edit = ProfileEdit(display_name=name, clear_avatar=body.clear_avatar is True)
    return UserView.model_validate(edit_profile(call.session, principal, edit))


@route(
    bp,
    "POST",
    "/api/tenants",
    Doc(
        "Create your workspace",
        auth=("session",),
        body=TenantBody,
        returns=TenantView,
        status=201,
        errors=(400, 401, 403, 409, 413, 429, 500),
    ),
)
def create_workspace(call: Call) -> TenantView:
    principal = call.require_principal()
    call.check_limit("tenants", call.platform.settings.tenant_limit, client_ip())
    body = read_body(TenantBody, call.json(), _TENANT_TEXTS)
    new = NewTenant(body.name, body.slug, body.is_personal)
    return TenantView.model_validate(create_tenant(call.session, principal, new))


@route(
    bp,
    "GET",
    "/api/tenants/check-slug",
    Doc(
        "Whether a workspace URL is free",
        auth=("session",),
        query=SlugQuery,
        returns=SlugAnswer,
        errors=(400, 401),
    ),
    availability,
)
def check_slug(call: Call) -> dict[str, Any]:
    principal = call.require_principal()
    if is_slug_available(call.session, principal, request.args.get("slug", "")):
        return {"available": True}
    return {"available": False, "code": "SLUG_TAKEN"}


@route(
    bp,
    "GET",
    "/api/tenants/me",
    Doc("Your workspace", auth=("session",), returns=TenantView, errors=(401, 404, 500)),
)
def read_workspace(call: Call) -> TenantView:
    return TenantView.model_validate(get_workspace(call.session, call.require_principal()))


@route(
    bp,
    "PATCH",
    "/api/tenants/me",
    Doc(
        "Rename your workspace, choose its URL, drop its logo",
        auth=("session",),
        body=TenantEditBody,
        returns=TenantView,
        errors=(400, 401, 403, 404, 409, 413, 500),
    ),
)
def update_workspace(call: Call) -> TenantView:
    principal = call.require_principal()
    body = read_body(TenantEditBody, call.json(), {"name": INVALID_NAME, "slug": INVALID_SLUG})
    given = body.model_fields_set
    edit = TenantEdit(
        name=body.name if "name" in given else None,
        slug=body.slug if "slug" in given else None,
        clear_logo=body.clear_logo is True,
    )
    return TenantView.model_validate(edit_tenant(call.session, principal, edit))


def _limit_by_email(call: Call, name: str, email: str) -> None:
    # Hashed, so that Redis never lists who signs in here.
    who = digest(normal_email(email)).hex()
    call.check_limit(name, call.platform.settings.sign_in_limit, client_ip(), who)


def _signed_in(call: Call, user: User, status: int) -> Response:
    if previous := request.cookies.get(SESSION_COOKIE):
        end_session(call.session, previous)
    token = start_session(call.session, user, request.headers.get("User-Agent", ""))
    response = to_response(SignedIn(user_id=user.id, email=user.email), status)
    response.set_cookie(SESSION_COOKIE, token, max_age=_COOKIE_SECONDS, **_cookie_rules(call))
    return response


def _cookie_rules(call: Call) -> dict[str, Any]:
    return {"httponly": True, "secure": call.platform.settings.is_https, "samesite": "Lax", "path": "/"}
