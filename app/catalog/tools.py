"""Tools of the catalog: who sees which, who may deploy one, and an operator's edits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.models import Tool, ToolRelease, ToolType
from app.catalog.public_lists import outdate_public_lists
from app.catalog.releases import ACTIVE, UnreleasedError, find_active_release, get_active_release
from app.core.errors import InvalidError, NotFoundError
from app.core.redis import Cache
from app.identity.memberships import list_tenant_ids
from app.identity.principals import Principal

TEST_PREFIX = "vendo-test-"


@dataclass(frozen=True)
class ListedTool:
    """A catalog row beside its active release, if it has one."""

    tool: Tool
    release: ToolRelease | None

    @property
    def is_deployable(self) -> bool:
        return self.release is not None and self.tool.tool_type == ToolType.DEPLOYMENT


def is_internal(tool: Tool) -> bool:
    """Say whether the tool is hidden from public lists; older rows hold the flag as text."""
    return tool.marketing.get("internal") in (True, "true")


def is_admin(principal: Principal | None) -> bool:
    return principal is not None and principal.is_admin


def list_all_tools(session: Session) -> list[ListedTool]:
    """List every row of the catalog, featured tools first, then by name."""
    statement = (
        select(Tool, ToolRelease)
        .outerjoin(ToolRelease, (ToolRelease.tool_id == Tool.id) & (ToolRelease.status == ACTIVE))
        .order_by(Tool.featured.desc(), Tool.name, Tool.slug)
    )
    return [ListedTool(tool, release) for tool, release in session.execute(statement)]


def list_catalog(session: Session, principal: Principal | None) -> list[ListedTool]:
    """List the catalog, featured tools first, then by name; an admin sees every row."""
    listed = list_all_tools(session)
    if is_admin(principal):
        return listed
    return [item for item in listed if _is_public(item.tool) and item.tool.tool_type != ToolType.INTERNAL]


def list_deployable(session: Session, principal: Principal | None) -> list[ListedTool]:
    """List what has an active release and that this caller may be offered."""
    deployable = [item for item in list_all_tools(session) if item.is_deployable]
    if is_admin(principal):
        return deployable
    own = set(list_tenant_ids(session, principal.user_id)) if principal else set()
    return [item for item in deployable if _is_public(item.tool) or _is_offered_to(item.tool, own)]


def get_tool(session: Session, principal: Principal | None, slug: str) -> ListedTool:
    """Return a tool by slug, internal ones included; raises NotFoundError for absent and disabled ones."""
    tool = find_tool(session, slug)
    if tool is None or not (tool.enabled or is_admin(principal)):
        raise NotFoundError("Tool not found")
    return ListedTool(tool, find_active_release(session, tool.id))


def find_tool(session: Session, slug: str) -> Tool | None:
    return session.scalar(select(Tool).where(Tool.slug == slug))


def require_tool(session: Session, slug: str) -> Tool:
    """Return a tool whatever its state, for an operator; raises NotFoundError."""
    tool = find_tool(session, slug)
    if tool is None:
        raise NotFoundError(f"{slug} is not in the catalog")
    return tool


def get_deployable_tool(session: Session, principal: Principal, slug: str) -> tuple[Tool, ToolRelease]:
    """Return the tool and the release that this caller may deploy now.

    Raises NotFoundError `Tool not found`, InvalidError `TOOL_NOT_DEPLOYABLE`, UnreleasedError.
    """
    tool = find_tool(session, slug)
    if tool is None or not _may_know_of(session, principal, tool):
        raise NotFoundError("Tool not found")
    if tool.tool_type != ToolType.DEPLOYMENT:
        raise InvalidError("This tool cannot be deployed", code="TOOL_NOT_DEPLOYABLE")
    if not (tool.enabled or principal.is_admin):
        raise UnreleasedError
    return tool, get_active_release(session, tool)


def set_enabled(session: Session, cache: Cache, tool: Tool, enabled: bool) -> None:
    """Show or hide a tool for new deployments; existing ones are not touched."""
    tool.enabled = enabled
    outdate_public_lists(session, cache)


def set_marketing(session: Session, cache: Cache, tool: Tool, marketing: Mapping[str, Any]) -> None:
    """Replace what the pages show of a tool; an internal tool stays internal."""
    kept = {"internal": True} if is_internal(tool) else {}
    tool.marketing = {**marketing, **kept}
    outdate_public_lists(session, cache)


def make_public(session: Session, cache: Cache, tool: Tool) -> None:
    """List an internal tool for everybody."""
    tool.marketing = {key: value for key, value in tool.marketing.items() if key != "internal"}
    outdate_public_lists(session, cache)


def _is_public(tool: Tool) -> bool:
    return tool.enabled and not is_internal(tool) and not tool.slug.startswith(TEST_PREFIX)


def _is_offered_to(tool: Tool, own_tenant_ids: set[Any]) -> bool:
    is_own = tool.owner_tenant_id in own_tenant_ids
    return tool.enabled and is_own and not tool.slug.startswith(TEST_PREFIX)


def _may_know_of(session: Session, principal: Principal, tool: Tool) -> bool:
    if not is_internal(tool) or tool.owner_tenant_id is None or principal.is_admin:
        return True
    return tool.owner_tenant_id in list_tenant_ids(session, principal.user_id)
