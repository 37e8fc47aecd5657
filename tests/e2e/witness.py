"""Remembers every secret that the run made, and everything that anybody may read of it."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import requests
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.crypto import Cipher
from app.deployments.credentials import read_credentials
from app.deployments.env import read_env
from app.deployments.models import Deployment
from tests.e2e.stack import Stack

SHORTEST = 6
# Everything about deployments that an owner, or an operator with a database shell, reads as plain text.
_READABLE = (
    "SELECT message || ' ' || metadata::text FROM deploy_logs",
    "SELECT message FROM container_logs",
    "SELECT coalesce(error_message, '') FROM deployments",
    "SELECT coalesce(error_message, '') FROM operations",
    "SELECT result::text FROM operation_phases",
    "SELECT label || ' ' || coalesce(target, '') FROM routes",
)


@dataclass
class Witness:
    secrets: set[str] = field(default_factory=set, repr=False)
    texts: set[str] = field(default_factory=set, repr=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def learn(self, *values: str) -> None:
        self.secrets |= {value for value in values if len(value) >= SHORTEST}

    def note_answer(self, answer: requests.Response) -> None:
        """Every address that was asked, and what each error said."""
        with self._guard:
            self.texts.add(answer.url)
            if answer.status_code >= 400:
                self.texts.add(answer.text)

    def look(self, stack: Stack) -> None:
        """Learn the secrets of every deployment there is and read all that is readable of them."""
        with stack.platform.database.transaction() as session:
            for deployment_id in session.execute(select(Deployment.id)).scalars():
                self.learn(*_secrets_of(session, stack.platform.cipher, deployment_id))
            for statement in _READABLE:
                self.texts.update(session.execute(text(statement)).scalars())
        self.texts.update(_engine_texts(stack))
        self.texts.update(_command_lines(stack))

    def find_leaks(self, where: set[str]) -> list[str]:
        """The places, shortened, that hold a secret in plain, base64 or URL form; never the secret itself."""
        whole = "\n".join(where)
        found = [secret for secret in self.secrets if any(form in whole for form in forms(secret))]
        return [f"a secret of {len(secret)} characters: {_place(where, secret)}" for secret in found]


def forms(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    safe = encoded.replace("+", "-").replace("/", "_")
    return {secret, encoded, safe, quote(secret, ""), quote_plus(secret), json.dumps(secret)[1:-1]}


def _place(where: set[str], secret: str) -> str:
    shown = next(text for text in where if any(form in text for form in forms(secret)))
    for form in sorted(forms(secret), key=len, reverse=True):
        shown = shown.replace(form, "<SECRET>")
    at = shown.index("<SECRET>")
    return shown[max(0, at - 100) : at + 100]


def _secrets_of(session: Session, cipher: Cipher, deployment_id: Any) -> Iterator[str]:
    yield from read_credentials(session, cipher, deployment_id).values()
    for row in read_env(session, cipher, deployment_id):
        # A service's own rows only repeat, inside longer texts, what is a row of its own as well.
        if row.is_secret and not row.service:
            yield row.value


def _engine_texts(stack: Stack) -> Iterator[str]:
    chosen = {"label": f"berth.install={stack.install_id}"}
    for container in stack.engine.containers(all=True, filters=chosen):
        yield json.dumps([container["Labels"], container["Names"], container["Command"]])
    for network in stack.engine.networks(filters=chosen):
        yield json.dumps([network["Labels"], network["Name"]])
    for volume in stack.engine.volumes(filters=chosen)["Volumes"] or []:
        yield json.dumps([volume["Labels"], volume["Name"]])
    for image in stack.engine.images(filters=chosen):
        yield json.dumps([image["Labels"], image["RepoTags"]])
        yield json.dumps(stack.engine.history(image["Id"]))
        yield json.dumps(stack.engine.inspect_image(image["Id"])["Config"])


def _command_lines(stack: Stack) -> Iterator[str]:
    pids = [stack.web, *(worker.process for worker in stack.workers), stack.servers.queue.process]
    for process in [*filter(None, pids), stack.servers.database.process]:
        path = Path(f"/proc/{process.pid}/cmdline")
        if path.exists():
            yield path.read_text()
