"""Subnets and loopback ports that Berth has given out; who chooses them is the worker."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.deployments.models import HostPort, NetworkSubnet


def find_subnet(session: Session, deployment_id: UUID) -> str | None:
    return session.execute(
        select(NetworkSubnet.cidr).where(NetworkSubnet.deployment_id == deployment_id)
    ).scalar_one_or_none()


def list_taken_subnets(session: Session) -> list[str]:
    return list(session.execute(select(NetworkSubnet.cidr)).scalars())


def take_subnet(session: Session, deployment_id: UUID, cidr: str) -> bool:
    """Give a subnet to a deployment; False when somebody took it, or the deployment has one, meanwhile."""
    statement = insert(NetworkSubnet).values(cidr=cidr, deployment_id=deployment_id).on_conflict_do_nothing()
    return session.execute(statement.returning(NetworkSubnet.cidr)).first() is not None


def free_subnet(session: Session, deployment_id: UUID) -> None:
    session.execute(delete(NetworkSubnet).where(NetworkSubnet.deployment_id == deployment_id))


def find_port(session: Session, deployment_id: UUID, service: str, generation: int) -> int | None:
    return session.execute(
        select(HostPort.port).where(
            HostPort.deployment_id == deployment_id,
            HostPort.service == service,
            HostPort.generation == generation,
        )
    ).scalar_one_or_none()


def list_taken_ports(session: Session) -> list[int]:
    return list(session.execute(select(HostPort.port)).scalars())


def take_port(session: Session, deployment_id: UUID, service: str, generation: int, port: int) -> bool:
    """Give a port to one service of one generation; False when somebody took it meanwhile."""
    statement = insert(HostPort).values(
        port=port, deployment_id=deployment_id, service=service, generation=generation
    )
    return session.execute(statement.on_conflict_do_nothing().returning(HostPort.port)).first() is not None


def free_port(session: Session, port: int) -> None:
    session.execute(delete(HostPort).where(HostPort.port == port))


def free_ports(session: Session, deployment_id: UUID) -> None:
    session.execute(delete(HostPort).where(HostPort.deployment_id == deployment_id))
