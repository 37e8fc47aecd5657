"""Where a label leads: read from the database at each request, through a cache too short to go stale."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select

from app.core.db import Database
from app.core.slugs import DEPLOYMENT_SLUG
from app.deployments.models import Deployment, Route
from app.deployments.route_records import SERVING

CACHE_SECONDS = 1.0
_CACHE_ENTRIES = 10_000


@dataclass(frozen=True)
class RouteRecord:
    """One label as the workflow that owns its deployment last wrote it."""

    label: str
    target: str | None
    status: str
    vendo_auth: bool

    @property
    def is_serving(self) -> bool:
        return self.status == SERVING and self.target is not None


class RouteTable:
    """Route records by label; each look-up gives its database connection back at once."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, tuple[float, RouteRecord | None]] = {}

    def find(self, label: str) -> RouteRecord | None:
        """The record of a label as it stood at most a second ago, or None."""
        if not DEPLOYMENT_SLUG.match(label):
            return None
        expires_at, record = self._known.get(label, (0.0, None))
        if expires_at <= self._clock():
            record = self._read(label)
            # What does not serve is read anew each time, so that a tool is there the moment it is ready.
            if record is not None and record.is_serving:
                self._remember(label, record)
        return record

    def _read(self, label: str) -> RouteRecord | None:
        vendo_auth = func.coalesce(Deployment.vendo_auth_override, Deployment.vendo_auth_default)
        statement = (
            select(Route.target, Route.status, vendo_auth)
            .join(Deployment, Deployment.id == Route.deployment_id)
            .where(Route.label == label)
        )
        with self._database.session() as session:
            row = session.execute(statement).first()
        return RouteRecord(label, row[0], row[1], row[2]) if row else None

    def _remember(self, label: str, record: RouteRecord) -> None:
        # Labels come from callers: whoever tries many must not fill the memory.
        if len(self._known) >= _CACHE_ENTRIES:
            self._known.clear()
        self._known[label] = (self._clock() + CACHE_SECONDS, record)
