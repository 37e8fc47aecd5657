"""Secrets that Berth makes for a deployment, once: declared ones, passwords, the webhook secret."""

import base64
import secrets
import uuid
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.crypto import Cipher
from app.deployments.models import DeploymentCredential


def generate_secret(declared: Mapping[str, Any]) -> str:
    """A value of the declared type (manifest.md 6); `length` counts random bytes."""
    makers = {
        "random_hex": lambda: secrets.token_hex(declared["length"]),
        "random_base64": lambda: base64.b64encode(secrets.token_bytes(declared["length"])).decode(),
        # The only one without a length.
        "uuid": lambda: str(uuid.uuid4()),
    }
    return makers[declared["type"]]()


def store_credential(session: Session, cipher: Cipher, deployment_id: UUID, name: str, value: str) -> None:
    """Keep a secret unless one of that name exists: a repeated run changes nothing."""
    sealed = cipher.seal(value, _owner(deployment_id, name))
    statement = insert(DeploymentCredential).values(
        deployment_id=deployment_id, name=name, encrypted_value=sealed
    )
    session.execute(statement.on_conflict_do_nothing(index_elements=["deployment_id", "name"]))


def read_credentials(session: Session, cipher: Cipher, deployment_id: UUID) -> dict[str, str]:
    """Every secret of the deployment in the clear, by name; raises DecryptError."""
    statement = select(DeploymentCredential).where(DeploymentCredential.deployment_id == deployment_id)
    return {
        row.name: cipher.open(row.encrypted_value, _owner(deployment_id, row.name))
        for row in session.execute(statement).scalars()
    }


def drop_credentials(session: Session, deployment_id: UUID) -> None:
    session.execute(delete(DeploymentCredential).where(DeploymentCredential.deployment_id == deployment_id))


def _owner(deployment_id: UUID, name: str) -> str:
    return f"credential:{deployment_id}:{name}"
