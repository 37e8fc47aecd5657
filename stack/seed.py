"""What a new install gets: a demo user, a workspace with credits, the demo tool in the catalog.

Each part asks Berth first whether it is there, so that a second start writes nothing.
"""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stack import roles
from stack.client import ApiError, BerthClient
from stack.errors import StackError
from stack.home import Home
from stack.packing import pack
from stack.settings import CHECKOUT

WORKSPACE = {"name": "Demo", "slug": "demo"}
CREDITS_USD = "25"
EXAMPLE = CHECKOUT / "examples" / "hello"
TEMPLATE = EXAMPLE / "templates" / "hello" / "1.0.0.json"


@dataclass(frozen=True)
class Seed:
    """Who signs in, and where."""

    client: BerthClient
    home: Home
    email: str
    password: str = field(repr=False)


def sign_in(seed: Seed) -> None:
    """Sign the demo user in, creating it on the first start."""
    try:
        seed.client.sign_in(seed.email, seed.password)
    except ApiError as error:
        if error.status != 401:
            raise
        run_flask(
            seed.home, "users", "create", "--email", seed.email, "--password-stdin", entered=seed.password
        )
        print(f"created the user {seed.email}")
        seed.client.sign_in(seed.email, seed.password)


def ensure_workspace(seed: Seed) -> dict[str, Any]:
    """Return the demo user's workspace, creating it with its address and credits on the first start."""
    tenant = find_workspace(seed.client) or seed.client.call("POST", "/api/tenants", WORKSPACE)
    if not tenant["slugChosen"]:
        tenant = seed.client.call("PATCH", "/api/tenants/me", {"slug": tenant["slug"]})
    grant_once(seed.home, tenant)
    return dict(tenant)


def find_workspace(client: BerthClient) -> dict[str, Any] | None:
    """Return the signed-in user's workspace, or None."""
    try:
        return dict(client.call("GET", "/api/tenants/me"))
    except ApiError as error:
        if error.status == 404:
            return None
        raise


def grant_once(home: Home, tenant: dict[str, Any]) -> None:
    """Give a workspace its first credits; a note in the home spares the command at the next start."""
    note = home.run / f"granted-{tenant['id']}"
    if note.exists():
        return
    reason = ("--note", "demo credits", "--key", f"demo-{tenant['id']}")
    run_flask(home, "billing", "grant", tenant["slug"], CREDITS_USD, *reason)
    note.touch(mode=0o600)
    print(f"the workspace {tenant['slug']} has {CREDITS_USD} USD of credits")


def ensure_tool(seed: Seed) -> dict[str, Any]:
    """Return the demo tool's template, publishing it with its build artifact on the first start."""
    template: dict[str, Any] = json.loads(TEMPLATE.read_text())
    if not is_published(seed.client, template):
        run_flask(seed.home, "integrations", "seed")
        for service in template["services"]:
            put_artifact(seed.home, service["buildArtifact"], EXAMPLE)
        run_flask(seed.home, "tools", "publish", str(TEMPLATE))
        print(f"published {template['slug']} {template['version']}")
    return template


def is_published(client: BerthClient, template: dict[str, Any]) -> bool:
    """Whether this version of the tool can be deployed."""
    tools = client.call("GET", "/api/tools/deployable")["tools"]
    wanted = (template["slug"], template["version"])
    return any((tool["toolSlug"], tool["version"]) == wanted for tool in tools)


def put_artifact(home: Home, key: str, folder: Path) -> None:
    """Pack an example and hand it to the artifact store."""
    archive = home.run / "artifact.tar.gz"
    pack(folder, archive)
    try:
        run_flask(home, "artifacts", "put", key, str(archive))
    finally:
        archive.unlink()


def run_flask(home: Home, *arguments: str, entered: str = "") -> str:
    """Run an operator command and return what it printed; StackError with its last line when it fails."""
    command = roles.flask(home, *arguments)
    result = subprocess.run(
        command.argv,
        cwd=command.folder,
        env=command.full_environment(),
        input=entered,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        said = (result.stderr.strip() or result.stdout.strip() or "no reason given").splitlines()
        raise StackError(f"`flask {' '.join(arguments[:2])}` failed: {said[-1]}")
    return result.stdout
