"""A workspace's owner over real HTTP, and one deployment as its owner sees it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import requests

from app.identity.principals import SESSION_COOKIE
from app.identity.sessions import start_session
from tests.e2e.stack import Stack
from tests.e2e.witness import Witness
from tests.factories import fund, make_tenant, make_user, unique

SETTLED = {"running", "failed", "destroyed"}
RUNNING_SECONDS = 60.0


@dataclass
class Owner:
    """Signed in, billing set up, 25 USD."""

    stack: Stack
    witness: Witness
    tenant_slug: str
    cookie: str = field(repr=False)
    deployments: list["Deployed"] = field(default_factory=list)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request with the owner's cookie; what an error says is kept for the search for secrets."""
        headers = {"Cookie": f"{SESSION_COOKIE}={self.cookie}", **options.pop("headers", {})}
        url = self.stack.url + path
        answer = requests.request(method, url, headers=headers, timeout=30, **options)
        self.witness.note_answer(answer)
        return answer

    def post_deploy(self, tool: str, key: str | None = None, **fields: Any) -> requests.Response:
        body = {"toolSlug": tool, "tenantSlug": self.tenant_slug, **fields}
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", "/api/deploy", json=body, headers=headers)

    def deploy(self, tool: str, **fields: Any) -> "Deployed":
        """An accepted deployment under a slug of its own."""
        slug = fields.pop("deploymentSlug", None) or unique("d")
        answer = self.post_deploy(tool, deploymentSlug=slug, **fields)
        assert answer.status_code == 201, answer.text
        made = Deployed(self, answer.json()["deploymentId"], f"{self.tenant_slug}-{slug}")
        self.deployments.append(made)
        return made

    def destroy(self, deployment_id: str) -> None:
        answer = self.call("POST", f"/api/deployments/{deployment_id}/destroy")
        assert answer.status_code == 202, answer.text

    def list_deployments(self) -> list[dict[str, Any]]:
        return list(self.call("GET", "/api/deployments?limit=200").json()["deployments"])


@dataclass(frozen=True)
class Deployed:
    owner: Owner
    id: str
    label: str

    @property
    def uuid(self) -> UUID:
        return UUID(self.id.removeprefix("dpl_"))

    @property
    def hex(self) -> str:
        return self.uuid.hex

    def read(self) -> dict[str, Any]:
        return dict(self.owner.call("GET", f"/api/deployments/{self.id}").json()["deployment"])

    def await_status(self, status: str, within: float = RUNNING_SECONDS) -> dict[str, Any]:
        """The deployment once it has this status; another end, or none in time, fails the test."""
        deadline = time.monotonic() + within
        while (found := self.read())["status"] != status:
            ended = found["status"] in SETTLED and status in SETTLED and found["status"] != "running"
            assert not ended, f"{found['status']} at {found['errorStep']}: {found['errorMessage']}"
            assert time.monotonic() < deadline, (
                f"{found['status']} at {found['currentStep']} after {within} s"
            )
            time.sleep(0.2)
        return found

    def logs(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.owner.call("GET", f"/api/deployments/{self.id}/logs", params={"limit": 1000, **query})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["logs"])

    def messages(self, step: str) -> list[str]:
        return [row["message"] for row in self.logs(step=step)]

    def open(self, path: str = "") -> requests.Response:
        """A page of the tool through Berth."""
        return self.owner.call("GET", f"/d/{self.label}/{path}")

    def containers(self) -> list[dict[str, Any]]:
        """Inspect answers of its containers, by label, in no order."""
        label = f"berth.deployment={self.hex}"
        listed = self.owner.stack.engine.containers(all=True, filters={"label": label})
        return [self.owner.stack.engine.inspect_container(item["Id"]) for item in listed]

    def container(self, service: str = "web") -> dict[str, Any]:
        (found,) = [
            item for item in self.containers() if item["Config"]["Labels"]["berth.service"] == service
        ]
        return found

    def environment(self) -> dict[str, str]:
        """What the running tool itself finds in its environment, byte for byte."""
        raw = bytes.fromhex(self.open("cgi-bin/env").text)
        pairs = (entry.partition("=") for entry in raw.decode().split("\0") if entry)
        return {name: value for name, _, value in pairs}

    def destroy(self) -> None:
        self.owner.destroy(self.id)


@contextmanager
def opened_owner(stack: Stack, witness: Witness) -> Iterator[Owner]:
    """A new workspace; at the end what it deployed is looked through for secrets, then destroyed by Berth."""
    user = make_user(stack.platform)
    tenant = make_tenant(stack.platform, user)
    fund(stack.platform, tenant.id)
    with stack.platform.database.transaction() as session:
        cookie = start_session(session, user, "tests")
    witness.learn(cookie)
    owner = Owner(stack, witness, tenant.slug, cookie)
    yield owner
    witness.look(stack)
    for listed in owner.list_deployments():
        owner.destroy(listed["id"])


def await_that(is_so: Callable[[], bool], within: float, what: str) -> None:
    """Ask again until the answer is yes; fail the test with `what` when the time is over."""
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.1)
