"""Releases of a tool and their stored templates: which is active, and switching to another."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.catalog.models import Tool, ToolRelease, ToolTemplate
from app.catalog.public_lists import outdate_public_lists
from app.catalog.semver import Version
from app.core.errors import ConflictError, ForbiddenError, NotFoundError
from app.core.redis import Cache

ACTIVE, INACTIVE = "active", "inactive"
UNRELEASED = "tool_unreleased"


class UnreleasedError(ForbiddenError):
    """The tool takes no new deployments: it is disabled, or no release of it is active."""

    def __init__(self) -> None:
        super().__init__(token=UNRELEASED)


def is_older_version(version: str, other: str) -> bool:
    """Say whether `version` comes before `other`."""
    return Version(version) < Version(other)


def find_active_release(session: Session, tool_id: UUID) -> ToolRelease | None:
    statement = select(ToolRelease).where(ToolRelease.tool_id == tool_id, ToolRelease.status == ACTIVE)
    return session.scalar(statement)


def get_active_release(session: Session, tool: Tool) -> ToolRelease:
    """Return what a new deployment of the tool gets; raises UnreleasedError."""
    release = find_active_release(session, tool.id)
    if release is None:
        raise UnreleasedError
    return release


def list_releases(session: Session, tool: Tool) -> list[ToolRelease]:
    """List the releases of a tool, newest first."""
    statement = select(ToolRelease).where(ToolRelease.tool_id == tool.id)
    return list(session.scalars(statement.order_by(ToolRelease.created_at.desc(), ToolRelease.id)))


def find_template(session: Session, slug: str, version: str) -> ToolTemplate | None:
    return session.get(ToolTemplate, (slug, version))


def get_template(session: Session, slug: str, version: str) -> ToolTemplate:
    """Return the stored manifest of a version; raises NotFoundError `VERSION_NOT_FOUND`."""
    template = find_template(session, slug, version)
    if template is None:
        raise NotFoundError(f"{slug} {version} is not published", code="VERSION_NOT_FOUND")
    return template


def lock_tool(session: Session, slug: str) -> None:
    """Make other publishers of this slug wait until this transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"catalog:{slug}", 0))))


def switch_active(session: Session, tool: Tool, release: ToolRelease) -> str | None:
    """Make the release the active one, under the tool's lock; returns the version it replaces."""
    previous = find_active_release(session, tool.id)
    if previous is not None:
        previous.status = INACTIVE
        # The old row must leave the partial unique index before the new one enters it.
        session.flush()
    release.status, release.was_active = ACTIVE, True
    session.flush()
    return previous.version if previous else None


def refuse_downgrade(session: Session, tool: Tool, version: str, allow_downgrade: bool) -> None:
    """Raise ConflictError when the version is lower than the active one and that is not allowed."""
    active = find_active_release(session, tool.id)
    if active is not None and not allow_downgrade and is_older_version(version, active.version):
        raise ConflictError(
            f"{tool.slug} {version} is lower than the active {active.version}; use --allow-downgrade"
        )


def activate_release(
    session: Session, cache: Cache, tool: Tool, version: str, allow_downgrade: bool = False
) -> str | None:
    """Activate a stored release that never was active; returns the version it replaces.

    Raises NotFoundError, or ConflictError when it was active before or is lower than the active one.
    """
    lock_tool(session, tool.slug)
    release = session.scalar(
        select(ToolRelease).where(ToolRelease.tool_id == tool.id, ToolRelease.version == version)
    )
    if release is None:
        raise NotFoundError(f"{tool.slug} {version} is not published")
    session.refresh(release)
    if release.status == ACTIVE:
        raise ConflictError(f"{tool.slug} {version} is already active")
    if release.was_active:
        raise ConflictError(f"{tool.slug} {version} was active before; publish its content as a new version")
    refuse_downgrade(session, tool, version, allow_downgrade)
    previous = switch_active(session, tool, release)
    outdate_public_lists(session, cache)
    return previous
