"""The database: engine, session, base class, and what runs after a commit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import DateTime, Engine, MetaData, Uuid, create_engine, event, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from app.core.config import Settings

_AFTER_COMMIT = "berth.after_commit"


class Base(DeclarativeBase):
    """Parent of every table; names of constraints are fixed so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        UUID: Uuid,
    }


def uuid_key() -> Mapped[UUID]:
    return mapped_column(primary_key=True, default=uuid4)


def created_now() -> Mapped[datetime]:
    return mapped_column(server_default=func.clock_timestamp())


def updated_now() -> Mapped[datetime]:
    return mapped_column(server_default=func.clock_timestamp(), onupdate=func.clock_timestamp())


class Database:
    """One engine and the two ways to use it: a transaction, or a bare session for a request."""

    def __init__(self, settings: Settings, application_name: str = "berth") -> None:
        self.engine: Engine = create_engine(
            settings.database_url.replace("postgresql://", "postgresql+psycopg2://", 1),
            pool_size=settings.database_pool,
            max_overflow=settings.database_pool,
            pool_pre_ping=True,
            pool_timeout=10,
            # Parameters hold secrets, and the text of a failed statement reaches the log.
            hide_parameters=True,
            connect_args={"application_name": application_name, "connect_timeout": 5},
        )
        self.session = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end of the block and rolls back on any error."""
        with self.session() as session, session.begin():
            yield session


def after_commit(session: Session, action: Callable[[], None]) -> None:
    """Run `action` once this transaction has committed; never when it rolls back."""
    session.info.setdefault(_AFTER_COMMIT, []).append(action)


@event.listens_for(Session, "after_commit")
def _run_actions(session: Session) -> None:
    for action in session.info.pop(_AFTER_COMMIT, []):
        action()


@event.listens_for(Session, "after_rollback")
def _drop_actions(session: Session) -> None:
    session.info.pop(_AFTER_COMMIT, None)


def install_gevent_wait() -> None:
    """Let psycopg2 yield to other greenlets while it waits for the server.

    Without it one slow statement stops every stream of the process.
    """
    import gevent.socket
    import psycopg2.extensions as pg
    from psycopg2 import OperationalError

    def wait(connection: Any, timeout: float | None = None) -> None:
        while True:
            state = connection.poll()
            if state == pg.POLL_OK:
                return
            if state == pg.POLL_READ:
                gevent.socket.wait_read(connection.fileno(), timeout=timeout)
            elif state == pg.POLL_WRITE:
                gevent.socket.wait_write(connection.fileno(), timeout=timeout)
            else:
                raise OperationalError(f"unexpected poll state {state}")

    pg.set_wait_callback(wait)
