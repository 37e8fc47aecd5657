"""Pages that stand in for a tool: small, whole in themselves, as JSON for programs."""

from typing import Any

from flask import Response, render_template, request

from app.http import json_response

RETRY_SECONDS = 30

_STATUS_TEXTS = {
    "pending": ("Getting ready", "This tool is waiting for its turn to be set up."),
    "deploying": ("Getting ready", "This tool is being set up. It will open by itself."),
    "restarting": ("Restarting", "This tool is restarting. It will open by itself."),
    "suspending": ("Pausing", "This tool is being paused."),
    "suspended": ("Paused", "This tool is paused. Its owner can resume it."),
    "resuming": ("Resuming", "This tool is coming back. It will open by itself."),
    "destroying": ("Being removed", "This tool is being removed."),
}
_OTHER_STATUS = ("Not available", "This tool is not available right now. Its owner can see why.")
_GATEWAY_TEXTS = {
    501: ("Not supported", "This server cannot carry that kind of connection."),
    502: ("No connection", "The tool does not accept connections right now."),
    504: ("No answer", "The tool did not answer in time."),
}


def not_found() -> Response:
    """No such tool, or a path that is Berth's own."""
    texts = ("Not found", "There is no tool at this address.")
    return _page(404, texts, {"message": "Not found"})


def unavailable(status: str) -> Response:
    """The tool exists and does not serve."""
    response = _page(503, _STATUS_TEXTS.get(status, _OTHER_STATUS), {"status": status})
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def no_answer(status: int) -> Response:
    """The tool should serve and does not."""
    texts = _GATEWAY_TEXTS[status]
    return _page(status, texts, {"message": texts[1]})


def sign_in_required() -> Response:
    """The tool is for signed-in people; a program reads a token, a person reads why."""
    if not _is_navigation():
        return _no_store(json_response({"error": "unauthorized"}, 401))
    texts = ("Sign-in required", "This tool is open to signed-in members of its workspace only.")
    return _page(401, texts, {"error": "unauthorized"})


def _page(status: int, texts: tuple[str, str], body: dict[str, Any]) -> Response:
    # HTML stands first: it is the answer to `*/*` and to no Accept at all.
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    if best == "application/json":
        return _no_store(json_response(body, status))
    page = render_template(
        "edge/page.html", title=texts[0], text=texts[1], status=status, reload_seconds=RETRY_SECONDS
    )
    response = Response(page, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return _no_store(response)


def _no_store(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


def _is_navigation() -> bool:
    """Whether a browser is opening a page, and not a script asking for data."""
    mode = request.headers.get("Sec-Fetch-Mode")
    if mode is not None:
        return mode == "navigate"
    return request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("Accept", "")
