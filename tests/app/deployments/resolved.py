"""A deployment on its way through `resolve_env`."""

import dataclasses
from typing import Any

from sqlalchemy.orm import Session

from app.core.platform import Platform
from app.deployments.env import EnvRow, env_for_service, read_env
from app.deployments.resolve import resolve_env
from app.deployments.rollout import Parties

IMAGE = "registry.example.com/acme/tool:1.0.0"
POSTGRES = [{"name": "main", "type": "postgresql"}]
ADMIN = {"authMode": "manual_setup"}
INPUTS: list[dict[str, Any]] = [
    {"key": "ZONE", "default": "UTC"},
    {"key": "TITLE"},
    {"key": "DEPTH", "default": 3},
]


def service(name: str = "web", role: str = "web", **env: Any) -> dict[str, Any]:
    return {"name": name, "role": role, "image": IMAGE, "env": env}


@dataclasses.dataclass
class Run:
    """A deployment whose secrets are made, on its way through `resolve_env`."""

    session: Session
    platform: Platform
    parties: Parties

    def resolve(self) -> int:
        return resolve_env(self.session, self.platform, self.parties)

    @property
    def rows(self) -> dict[tuple[str, str], EnvRow]:
        found = read_env(self.session, self.platform.cipher, self.parties.deployment.id)
        return {(row.service, row.key): row for row in found}

    def env(self, name: str = "web") -> dict[str, str]:
        return env_for_service(self.rows.values(), name)
