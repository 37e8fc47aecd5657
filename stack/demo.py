"""The proof at the end of a start: deploy the demo tool through the public API and open its page.

Runs as a child of the supervisor: `python -m stack.demo`.
"""

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

from stack.client import ApiError, BerthClient
from stack.errors import StackError
from stack.home import Home, replace_file
from stack.install import DEMO_EMAIL
from stack.seed import Seed, ensure_tool, ensure_workspace, sign_in
from stack.settings import StackSettings, read_settings

DEPLOY_SECONDS = 600.0
RETURN_SECONDS = 20.0
POLL_SECONDS = 0.25
BUSY = {"pending", "deploying", "restarting", "resuming", "upgrading", "suspending"}
ERROR_LINES = 15


@dataclass(frozen=True)
class Demo:
    """A signed-in client and the workspace that it works in."""

    client: BerthClient
    tenant_slug: str


def main() -> int:
    """Seed, deploy or find the demo tool, open its page, and leave its address for the supervisor."""
    try:
        settings = read_settings()
        home = Home(settings.home)
        show(settings, home)
    except StackError as error:
        print(error)
        return 1
    return 0


def show(settings: StackSettings, home: Home) -> None:
    """Do all of it; StackError when the tool does not run in the end."""
    client = BerthClient(f"http://{settings.local_address}:{settings.port}", settings.public_url)
    seed = Seed(client, home, DEMO_EMAIL, home.load_state().demo_password)
    sign_in(seed)
    tenant, template = ensure_workspace(seed), ensure_tool(seed)
    subdomain = deploy_or_revisit(Demo(client, tenant["slug"]), template["slug"])
    found = {"tenant_slug": tenant["slug"], "demo_url": f"{settings.public_url}/d/{subdomain}/"}
    replace_file(home.run / "demo.json", json.dumps(found))


def deploy_or_revisit(demo: Demo, tool_slug: str) -> str:
    """Deploy the tool unless it is there, open its page, and return its label.

    A first deploy that fails is a StackError. A tool that was there before and does not answer is only
    reported: the rest of the install works, and is needed to repair it.
    """
    known = list_deployments(demo.client, tool_slug)
    alive = [item for item in known if item["status"] != "destroyed"]
    if not alive:
        deployment = follow(demo.client, request_deploy(demo, tool_slug, len(known)))
        show_answer(demo.client, f"/d/{deployment['subdomain']}/")
        return str(deployment["subdomain"])
    print(f"{tool_slug} is deployed already, nothing to do")
    try:
        revisit(demo.client, alive[0])
    except StackError as error:
        print(f"ATTENTION: {error}")
    return str(alive[0]["subdomain"])


def revisit(client: BerthClient, deployment: dict[str, Any]) -> None:
    """Open the page of a tool from an earlier start; StackError when it does not run."""
    if deployment["status"] in BUSY:
        deployment = follow(client, deployment["id"])
    if deployment["status"] != "running":
        raise StackError(f"the demo tool is {deployment['status']} since an earlier run")
    show_answer(client, f"/d/{deployment['subdomain']}/")


def list_deployments(client: BerthClient, tool_slug: str) -> list[dict[str, Any]]:
    """Every deployment of the tool in the workspace, the newest first, destroyed ones too."""
    answer = client.call("GET", f"/api/deployments?toolSlug={tool_slug}&includeDestroyed=1")
    return list(answer["deployments"])


def request_deploy(demo: Demo, tool_slug: str, earlier: int) -> str:
    """Post the deploy; its key makes a repeated start after a crash the same deploy, not a second one."""
    body = {
        "toolSlug": tool_slug,
        "tenantSlug": demo.tenant_slug,
        "userVariables": {"GREETING": "Hello from your own cloud"},
    }
    key = f"make-up-{demo.tenant_slug}-{tool_slug}-{earlier}"
    answer = demo.client.call("POST", "/api/deploy", body, {"Idempotency-Key": key})
    print(f"deploying {tool_slug}: {answer['deploymentId']}")
    return str(answer["deploymentId"])


def follow(client: BerthClient, deployment_id: str) -> dict[str, Any]:
    """Print each phase as it passes and return the running deployment; StackError when it fails."""
    deadline, seen, before = time.monotonic() + DEPLOY_SECONDS, 0, None
    while True:
        deployment = dict(client.call("GET", f"/api/deployments/{deployment_id}")["deployment"])
        now = (deployment["status"], deployment["progress"], deployment["currentStep"])
        if now != before:
            seen, before = print_phases(client, deployment_id, seen), now
        if deployment["status"] == "running":
            return deployment
        if deployment["status"] not in BUSY or time.monotonic() > deadline:
            print_errors(client, deployment_id)
            step, reason = deployment["errorStep"], deployment["errorMessage"]
            raise StackError(f"the demo tool is {deployment['status']} at {step}: {reason}")
        time.sleep(POLL_SECONDS)


def print_phases(client: BerthClient, deployment_id: str, seen: int) -> int:
    """Print the phases that ended since the last row seen; return the last row now."""
    rows = client.call("GET", f"/api/deployments/{deployment_id}/logs?order=asc&limit=1000")["logs"]
    for row in rows:
        if row["id"] > seen and row["durationMs"] is not None:
            print(f"  {row['step']:<24} {row['durationMs']:>7} ms  {row['message']}")
    return max((row["id"] for row in rows), default=seen)


def print_errors(client: BerthClient, deployment_id: str) -> None:
    """Print the end of the deployment's log."""
    path = f"/api/deployments/{deployment_id}/logs?order=desc&limit={ERROR_LINES}"
    for row in reversed(client.call("GET", path)["logs"]):
        print(f"  {row['level']:<5} {row['step']}: {row['message']}")


def show_answer(client: BerthClient, path: str) -> None:
    """Open the tool's page through Berth and print what Berth told the tool; StackError when it did not."""
    page = fetch_page(client, path)
    state = client.call("GET", f"{path}api/state")
    if state["errors"]:
        raise StackError(f"the demo tool runs, but {'; '.join(state['errors'])}")
    print(f"{path} answered {len(page)} bytes of HTML")
    for connection in state["connections"]:
        print(f"  it sees the connection {connection['slug']}: {connection['status']}")
    print(f"  and a balance of {state['balance_micros'] / 1_000_000:.2f} {state['currency']}")


def fetch_page(client: BerthClient, path: str) -> bytes:
    """Return the page, waiting a while for a container that comes back with its engine."""
    deadline = time.monotonic() + RETURN_SECONDS
    while True:
        try:
            return client.fetch("GET", path)
        except ApiError as error:
            if error.status not in (502, 503, 504) or time.monotonic() > deadline:
                raise StackError(f"the demo tool's container does not answer: {error}") from None
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
