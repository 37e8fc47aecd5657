"""The transactions of one run: each commits only while the worker still holds the operation."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.core.db import Database
from app.deployments.operations import Claim, FenceLostError, hold_fence
from deploy_runner.journal import LostLeaseError


class FencedWrites:
    """Used by the run's own thread only; all of them on one connection, which `close` gives back."""

    def __init__(self, database: Database, claim: Claim) -> None:
        self._database = database
        self._claim = claim
        self._connection: Connection | None = None
        self._joined: Session | None = None

    @contextmanager
    def open(self) -> Iterator[Session]:
        """A transaction under the fence, or the one that is being joined; raises LostLeaseError."""
        with self.open_unheld() as session:
            if session is not self._joined:
                hold_fence(session, self._claim)
            yield session

    @contextmanager
    def open_unheld(self) -> Iterator[Session]:
        """The same for a statement that checks the fence by itself."""
        if self._joined is not None:
            yield self._joined
            return
        if self._connection is None:
            self._connection = self._database.engine.connect()
        try:
            with self._database.session(bind=self._connection) as session, session.begin():
                yield session
        except FenceLostError:
            raise LostLeaseError from None

    @contextmanager
    def join(self) -> Iterator[None]:
        """Make one transaction of everything that is opened in the block."""
        with self.open() as session:
            self._joined = session
            try:
                yield
            finally:
                self._joined = None

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
