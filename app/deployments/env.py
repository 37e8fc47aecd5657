"""Variables of a deployment: sealed rows, and the full set that one service receives."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core.crypto import Cipher
from app.deployments.models import DeploymentEnvVar, EnvKind

# Who wins when two kinds name one key (lifecycle.md 9), weakest first.
_STRENGTH = (EnvKind.USER, EnvKind.INTEGRATION, EnvKind.SYSTEM)


@dataclass(frozen=True)
class EnvRow:
    """One variable in the clear; `service` is empty when every service receives it."""

    key: str
    value: str = field(repr=False)
    kind: EnvKind
    service: str = ""
    is_secret: bool = False


def write_env(session: Session, cipher: Cipher, deployment_id: UUID, rows: Iterable[EnvRow]) -> None:
    """Seal and store variables; one that exists is replaced."""
    values = [_sealed(cipher, deployment_id, row) for row in rows]
    if not values:
        return
    statement = insert(DeploymentEnvVar).values(values)
    replaced = {name: statement.excluded[name] for name in ("kind", "encrypted_value", "is_secret")}
    keys = ["deployment_id", "service", "key"]
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=replaced))


def drop_env(session: Session, deployment_id: UUID, kind: EnvKind | None = None) -> None:
    """Delete the rows of one kind, or all."""
    statement = delete(DeploymentEnvVar).where(DeploymentEnvVar.deployment_id == deployment_id)
    session.execute(statement if kind is None else statement.where(DeploymentEnvVar.kind == kind))


def read_env(session: Session, cipher: Cipher, deployment_id: UUID) -> list[EnvRow]:
    """Every variable in the clear, for the worker that launches; raises DecryptError."""
    statement = select(DeploymentEnvVar).where(DeploymentEnvVar.deployment_id == deployment_id)
    return [
        EnvRow(
            row.key,
            cipher.open(row.encrypted_value, owner_of(deployment_id, row.service, row.key)),
            EnvKind(row.kind),
            row.service,
            row.is_secret,
        )
        for row in session.execute(statement).scalars()
    ]


def env_for_service(rows: Iterable[EnvRow], service: str) -> dict[str, str]:
    """What one service receives; the weakest row of a key comes first and is overwritten."""
    chosen = [row for row in rows if row.service in {"", service}]
    # What the manifest says for one service gives way to everything: lifecycle.md 9 names it last.
    chosen.sort(key=lambda row: -1 if row.service else _STRENGTH.index(row.kind))
    return {row.key: row.value for row in chosen}


def owner_of(deployment_id: UUID, service: str, key: str) -> str:
    return f"env:{deployment_id}:{service}:{key}"


def _sealed(cipher: Cipher, deployment_id: UUID, row: EnvRow) -> dict[str, object]:
    return {
        "deployment_id": deployment_id,
        "service": row.service,
        "key": row.key,
        "kind": row.kind,
        "encrypted_value": cipher.seal(row.value, owner_of(deployment_id, row.service, row.key)),
        "is_secret": row.is_secret,
    }
