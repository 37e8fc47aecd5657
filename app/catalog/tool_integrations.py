"""Which integrations a tool needs or offers."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.catalog.integrations import list_integrations
from app.catalog.models import Integration, Tool
from app.catalog.releases import find_active_release
from app.catalog.tools import find_tool


@dataclass(frozen=True)
class ToolIntegrations:
    """Enabled integrations only: one that is missing or disabled is left out of both lists."""

    required: list[Integration]
    optional: list[Integration]


def list_tool_integrations(session: Session, slug: str) -> ToolIntegrations:
    """List what the active release of a tool asks for; an unknown slug asks for nothing."""
    tool = find_tool(session, slug)
    if tool is None:
        return ToolIntegrations([], [])
    release = find_active_release(session, tool.id)
    is_optional = {
        entry["provider"]: bool(entry.get("optional")) for entry in (release.requires if release else [])
    }
    enabled = {integration.slug: integration for integration in list_integrations(session)}
    required = [enabled[name] for name, optional in is_optional.items() if not optional and name in enabled]
    optional = [enabled[name] for name, optional in is_optional.items() if optional and name in enabled]
    others = [item for name, item in enabled.items() if name not in is_optional]
    return ToolIntegrations(required, optional + (others if tool.surface_all_connections else []))


def list_supported_connections(session: Session, tool: Tool) -> list[str]:
    """List the providers an editor named for the tool, else those of its active release."""
    if tool.supported_connections:
        return list(tool.supported_connections)
    release = find_active_release(session, tool.id)
    return [entry["provider"] for entry in release.requires] if release else []
