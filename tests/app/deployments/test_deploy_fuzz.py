"""Whatever a body, a header or a query holds, the answer is never a 500.

Seeded and bounded: a failure names the seed that repeats it.
"""

import json
import random
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.factories import post_deploy

ROUNDS = 40
SEEDS = range(6)
FIELDS = (
    "toolSlug",
    "tenantSlug",
    "deploymentSlug",
    "deploymentName",
    "adminPassword",
    "userVariables",
    "bindings",
    "selectedBindings",
    "pendingBindings",
    "userInput",
    "unknown",
)
TEXTS = (
    "",
    " ",
    "crm",
    "A",
    "a--b",
    "-",
    "x" * 63,
    "x" * 64,
    "x" * 10_001,
    "\x00",
    "a\x00b",
    "\ud800",
    "\udfff\ud800",
    "\u202e\u200b",
    "é",
    "🚀",
    "${domain}",
    "$${x}",
    "'; DROP TABLE deployments; --",
    "%s %(x)s {} {0}",
    "../../etc/passwd",
    "__proto__",
    "null",
    "openrouter",
    "telegram",
    "TOKEN",
    "VENDO_API_KEY",
    "PORT",
)
NUMBERS = (
    "0",
    "-0",
    "1",
    "-1",
    "1.5",
    "1e400",
    "-1e400",
    "1e-400",
    "9" * 400,
    "-" + "9" * 400,
    "1E5",
    "2147483648",
)


class Chaos:
    """A source of JSON text that is mostly almost right."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def text(self) -> str:
        return json.dumps(self.random.choice(TEXTS))

    def value(self, depth: int = 0) -> str:
        makers = [self.text, self.number, self.word]
        if depth < 4:
            makers += [lambda: self.array(depth + 1), lambda: self.object(depth + 1)]
        return self.random.choice(makers)()

    def number(self) -> str:
        return self.random.choice(NUMBERS)

    def word(self) -> str:
        return self.random.choice(["null", "true", "false", f'"{uuid4()}"'])

    def array(self, depth: int) -> str:
        return f"[{', '.join(self.value(depth) for _ in range(self.random.randrange(4)))}]"

    def object(self, depth: int) -> str:
        pairs = (f"{self.text()}: {self.value(depth)}" for _ in range(self.random.randrange(4)))
        return f"{{{', '.join(pairs)}}}"

    def field(self, name: str, right: dict[str, Any]) -> str:
        """A field that is right half of the time, so that later checks are reached too."""
        value = json.dumps(right[name]) if name in right and self.random.random() < 0.6 else self.value()
        return f'"{name}": {value}'

    def body(self, right: dict[str, Any]) -> str:
        names = [*self.random.sample(FIELDS, self.random.randrange(len(FIELDS))), "toolSlug", "tenantSlug"]
        text = f"{{{', '.join(self.field(name, right) for name in names)}}}"
        return self.damaged(text) if self.random.random() < 0.15 else text

    def damaged(self, text: str) -> str:
        place = self.random.randrange(len(text) + 1)
        insert = self.random.choice(["", "{", "]", '"', "\\", "\x01", ",", "NaN", "//"])
        return text[:place] + insert + text[place + self.random.randrange(3) :]

    def header(self) -> str:
        return self.random.choice(["k", "two words", "x" * 300, "\xff", "", "'", "k1", "k2"])


def right_order(workspace, tool) -> dict[str, Any]:
    return {
        "toolSlug": tool,
        "tenantSlug": workspace.slug,
        "deploymentSlug": "crm",
        "deploymentName": "CRM",
        "userVariables": {"TOKEN": "x", "COUNT": 1},
        "bindings": ["openai"],
        "selectedBindings": {},
        "pendingBindings": {},
        "userInput": {"a": [1]},
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_no_body_breaks_a_deploy(workspace, tool, seed):
    chaos, right = Chaos(seed), right_order(workspace, tool)
    for _ in range(ROUNDS):
        body = chaos.body(right).encode("utf-8", "surrogatepass")
        headers = {"Idempotency-Key": chaos.header()} if chaos.random.random() < 0.3 else {}
        answer = workspace.client.post("/api/deploy", data=body, headers=headers)
        assert answer.status_code in {201, 400, 403, 404, 409}, (seed, body, answer.text)
        assert isinstance(answer.json, dict)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_bytes_break_nothing(workspace, seed):
    source = random.Random(seed)
    for _ in range(ROUNDS):
        body = source.randbytes(source.randrange(200))
        assert workspace.client.post("/api/deploy", data=body).status_code == 400, (seed, body)


QUERIES = {
    "/api/deployments": ["status", "toolSlug", "includeDestroyed", "limit", "cursor", "other"],
    "/api/deployments/{id}": ["other"],
    "/api/deployments/{id}/logs": [
        *("source", "step", "level", "attempt", "workflow", "service", "stream"),
        *("since", "until", "q", "limit", "cursor", "order"),
    ],
}
QUERY_TEXTS = (
    *TEXTS,
    *NUMBERS,
    "deploy",
    "container",
    "edge",
    "asc",
    "desc",
    "info",
    "stdout",
    "running",
    "*",
    "%",
    "_*",
    "2026-05-20T12:00:00Z",
    "2026-05-20",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "WyIyMDI2LTA1LTIwIiwgIngiXQ",
    "W1tbW1s",
    "IiI",
    "²",
    "٣",
)


@pytest.mark.parametrize("path", QUERIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_query_breaks_a_view(workspace, tool, path, seed):
    source = random.Random(seed)
    found = path.format(id=post_deploy(workspace, tool).json["deploymentId"])
    for _ in range(ROUNDS):
        names = source.choices(QUERIES[path], k=source.randrange(4))
        query = "&".join(f"{name}={quote(source.choice(QUERY_TEXTS), errors='replace')}" for name in names)
        answer = workspace.client.get(found, query_string=query)
        assert answer.status_code in {200, 400}, (seed, query, answer.text)


IDS = (
    "me",
    "0",
    "dpl_",
    "dpl_" + "g" * 32,
    "%00",
    "%ff",
    "..",
    "a" * 5000,
    "{}",
    "dpl_%30",
    "²",
    "null",
    "-",
)


@pytest.mark.parametrize("text", IDS)
@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("GET", "/logs"), ("POST", "/destroy")])
def test_no_id_breaks_a_route(workspace, text, method, tail):
    answer = workspace.client.open(f"/api/deployments/{text}{tail}", method=method)
    assert (answer.status_code, answer.json) == (404, {"message": "Not found"})
