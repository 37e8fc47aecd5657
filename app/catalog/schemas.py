"""What the catalog's endpoints answer."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from app.catalog.models import Integration, Tool, ToolRelease
from app.catalog.tools import ListedTool
from app.catalog.wizard_layout import read_wizard_layout
from app.core.clock import iso


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class CatalogTool(BaseModel):
    """A row of the public catalog; `enabled` is there for an administrator only."""

    slug: str
    name: str
    description: str
    category: str
    tool_type: str
    icon_url: str | None
    featured: bool
    deployable: bool
    version: str | None
    marketing: dict[str, Any]
    enabled: bool = True


class CatalogAnswer(BaseModel):
    tools: list[CatalogTool]


class DeployableTool(_Camel):
    tool_slug: str
    tool_name: str
    description: str
    icon_url: str | None
    auth_mode: str | None
    source_repo: str | None
    version: str
    wizard_inputs: list[dict[str, Any]]
    wizard_layout: dict[str, Any] | None


class DeployableAnswer(BaseModel):
    tools: list[DeployableTool]


class Release(BaseModel):
    version: str
    template_version: str
    source_repo: str | None
    wizard_inputs: list[dict[str, Any]]
    wizard_layout: dict[str, Any] | None
    requires: list[dict[str, Any]]
    created_at: str


class ToolDetail(CatalogTool):
    id: UUID
    auth_mode: str | None
    surface_all_connections: bool
    supported_connections: list[str]
    usage_category: str
    release: Release | None


class ToolAnswer(BaseModel):
    tool: ToolDetail


class ToolIntegration(_Camel):
    integration_id: UUID
    provider: str
    name: str
    description: str
    icon_name: str | None
    logo_url: str | None
    category: str
    default_profile: str
    supported_profiles: list[str]
    already_enabled: bool


class ToolIntegrationsAnswer(BaseModel):
    required: list[ToolIntegration]
    optional: list[ToolIntegration]


class ToolIntegrationsQuery(_Camel):
    app_id: str = ""


def absolute_url(public_url: str, stored: str | None) -> str | None:
    """Put the public origin in front of a stored path; another URL stays as it is."""
    return f"{public_url}{stored}" if stored and stored.startswith("/") else stored or None


def catalog_tool(listed: ListedTool, public_url: str, is_admin: bool) -> dict[str, Any]:
    row = CatalogTool(**_catalog_columns(listed, public_url)).model_dump(mode="json")
    if not is_admin:
        del row["enabled"]
    return row


def deployable_tool(tool: Tool, release: ToolRelease, public_url: str) -> dict[str, Any]:
    return DeployableTool(
        tool_slug=tool.slug,
        tool_name=tool.name,
        description=tool.description,
        icon_url=absolute_url(public_url, tool.icon_url),
        auth_mode=tool.auth_mode,
        source_repo=release.source_repo,
        version=release.version,
        wizard_inputs=release.wizard_inputs,
        wizard_layout=read_wizard_layout(release.wizard_layout, tool.slug),
    ).model_dump(mode="json", by_alias=True)


def tool_detail(
    listed: ListedTool, supported_connections: list[str], public_url: str, is_admin: bool
) -> dict[str, Any]:
    tool = listed.tool
    detail = ToolDetail(
        **_catalog_columns(listed, public_url),
        id=tool.id,
        auth_mode=tool.auth_mode,
        surface_all_connections=tool.surface_all_connections,
        supported_connections=supported_connections,
        usage_category=tool.usage_category,
        release=_release(listed.release, tool.slug) if listed.release else None,
    ).model_dump(mode="json")
    if not is_admin:
        del detail["enabled"]
    return detail


def tool_integration(integration: Integration, public_url: str, already_enabled: bool) -> dict[str, Any]:
    return ToolIntegration(
        integration_id=integration.id,
        provider=integration.slug,
        name=integration.name,
        description=integration.description,
        icon_name=integration.icon_name,
        logo_url=absolute_url(public_url, integration.logo_url),
        category=integration.category,
        default_profile=integration.default_profile,
        supported_profiles=integration.supported_profiles,
        already_enabled=already_enabled,
    ).model_dump(mode="json", by_alias=True)


def _catalog_columns(listed: ListedTool, public_url: str) -> dict[str, Any]:
    tool = listed.tool
    return {
        "slug": tool.slug,
        "name": tool.name,
        "description": tool.description,
        "category": tool.category,
        "tool_type": tool.tool_type,
        "icon_url": absolute_url(public_url, tool.icon_url),
        "featured": tool.featured,
        "deployable": listed.is_deployable,
        "version": listed.release.version if listed.release else None,
        "marketing": tool.marketing,
        "enabled": tool.enabled,
    }


def _release(release: ToolRelease, slug: str) -> Release:
    return Release(
        version=release.version,
        template_version=release.template_version,
        source_repo=release.source_repo,
        wizard_inputs=release.wizard_inputs,
        wizard_layout=read_wizard_layout(release.wizard_layout, slug),
        requires=release.requires,
        created_at=iso(release.created_at) or "",
    )
