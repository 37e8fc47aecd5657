"""Berth's public API over one connection that is kept open, as a browser's is."""

import http.client
import json
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

from stack.errors import StackError

POLL_SECONDS = 0.05
DEPLOY_SECONDS = 120.0
_ENDED = ("running", "failed", "destroyed")


class Api:
    """A session of one signed-in user."""

    def __init__(self, address: str, port: int, public_url: str) -> None:
        self._connection = http.client.HTTPConnection(address, port, timeout=60)
        self._headers = {"Host": urlsplit(public_url).netloc, "Accept": "application/json"}

    def sign_in(self, email: str, password: str) -> None:
        """Keep the session cookie of this user."""
        self.call("POST", "/api/auth/sign-in", {"email": email, "password": password})

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """Send JSON and return the parsed answer; StackError for an error answer."""
        data = None if body is None else json.dumps(body)
        sent = {**self._headers, **({"Content-Type": "application/json"} if data else {}), **(headers or {})}
        self._connection.request(method, path, data, sent)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise StackError(f"{method} {path} answered {answer.status}: {content[:300]!r}")
        if cookie := answer.headers.get("Set-Cookie"):
            self._headers["Cookie"] = cookie.split(";")[0]
        return json.loads(content) if content else None

    def deploy(self, tenant_slug: str, tool_slug: str) -> str:
        """Accept one deployment under a key and a label of its own; returns its id."""
        unique = secrets.token_hex(6)
        body = {"toolSlug": tool_slug, "tenantSlug": tenant_slug, "deploymentSlug": f"b{unique}"}
        answer = self.call("POST", "/api/deploy", body, {"Idempotency-Key": unique})
        return str(answer["deploymentId"])

    def await_end(self, deployment_id: str) -> dict[str, Any]:
        """Ask until the deployment runs, failed, or is gone."""
        deadline = time.monotonic() + DEPLOY_SECONDS
        while True:
            deployment: dict[str, Any] = self.call("GET", f"/api/deployments/{deployment_id}")["deployment"]
            if deployment["status"] in _ENDED:
                return deployment
            if time.monotonic() > deadline:
                raise StackError(f"{deployment_id} is still {deployment['status']}")
            time.sleep(POLL_SECONDS)

    def await_running(self, deployment_id: str) -> dict[str, Any]:
        """The running deployment; StackError with the reason when it does not run."""
        deployment = self.await_end(deployment_id)
        if deployment["status"] != "running":
            reason = f"{deployment['status']} at {deployment['errorStep']}: {deployment['errorMessage']}"
            raise StackError(f"a deployment of the bench is {reason}")
        return deployment

    def destroy(self, deployment_id: str) -> None:
        """Remove the deployment and wait until it is gone."""
        self.call("POST", f"/api/deployments/{deployment_id}/destroy")
        deadline = time.monotonic() + DEPLOY_SECONDS
        while self.call("GET", f"/api/deployments/{deployment_id}")["deployment"]["status"] != "destroyed":
            if time.monotonic() > deadline:
                raise StackError(f"{deployment_id} is not gone")
            time.sleep(0.05)

    def list_logs(self, deployment_id: str) -> list[dict[str, Any]]:
        """The rows of the deploy log, the oldest first."""
        path = f"/api/deployments/{deployment_id}/logs?order=asc&limit=1000"
        return list(self.call("GET", path)["logs"])
