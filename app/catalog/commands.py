"""`flask tools` and `flask integrations`: what an operator does to the catalog (catalog-pricing.md 10)."""

from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from app.catalog.command_output import operator_session, print_json, print_rows, refusals_printed
from app.catalog.integrations import list_integrations, seed_integrations
from app.catalog.manifest_files import read_marketing
from app.catalog.models import ToolRelease
from app.catalog.publish_command import FILE, check, publish
from app.catalog.releases import activate_release, find_active_release, list_releases
from app.catalog.tools import (
    ListedTool,
    is_internal,
    list_all_tools,
    make_public,
    require_tool,
    set_enabled,
    set_marketing,
)
from app.core.clock import iso
from app.http import platform

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


@click.group("tools")
def tools() -> None:
    """Publish and edit the tools of the catalog."""


@click.group("integrations")
def integrations() -> None:
    """Look after the providers that tools may be bound to."""


tools.add_command(publish)
tools.add_command(check)


@tools.command("list")
@click.option("--all", "is_all", is_flag=True, help="Disabled and internal tools too.")
@as_json
@with_appcontext
def list_tools(is_all: bool, is_json: bool) -> None:
    """List the tools of the catalog."""
    with operator_session(is_json=is_json) as session:
        listed = [item for item in list_all_tools(session) if is_all or _is_listed(item)]
    if is_json:
        print_json([_tool_fields(item) for item in listed])
    elif listed:
        print_rows([_tool_row(item) for item in listed])


@tools.command()
@click.argument("slug")
@as_json
@with_appcontext
def show(slug: str, is_json: bool) -> None:
    """Show one tool."""
    with operator_session(is_json=is_json) as session:
        tool = require_tool(session, slug)
        fields = _tool_fields(ListedTool(tool, find_active_release(session, tool.id)))
    if is_json:
        print_json(fields)
    else:
        print_rows([(f"{name}:", str(value)) for name, value in fields.items()])


@tools.command()
@click.argument("slug")
@as_json
@with_appcontext
def releases(slug: str, is_json: bool) -> None:
    """List the releases of a tool, newest first."""
    with operator_session(is_json=is_json) as session:
        found = list_releases(session, require_tool(session, slug))
    if is_json:
        print_json([_release_fields(release) for release in found])
    elif found:
        print_rows([(item.version, item.status, iso(item.created_at) or "") for item in found])


@tools.command()
@click.argument("slug")
@click.argument("version")
@click.option("--allow-downgrade", is_flag=True, help="Activate a version lower than the active one.")
@with_appcontext
def activate(slug: str, version: str, allow_downgrade: bool) -> None:
    """Make a stored release that never was active the active one."""
    with operator_session() as session:
        tool = require_tool(session, slug)
        previous = activate_release(session, platform().cache, tool, version, allow_downgrade)
    click.echo(f"activated {slug} {version}" + (f" (was {previous})" if previous else ""))


@tools.command()
@click.argument("slug")
@with_appcontext
def enable(slug: str) -> None:
    """Take new deployments of a tool."""
    with operator_session() as session:
        set_enabled(session, platform().cache, require_tool(session, slug), True)
    click.echo(f"{slug} is enabled")


@tools.command()
@click.argument("slug")
@with_appcontext
def disable(slug: str) -> None:
    """Take no new deployments of a tool; existing ones go on."""
    with operator_session() as session:
        set_enabled(session, platform().cache, require_tool(session, slug), False)
    click.echo(f"{slug} is disabled")


@tools.command("set-marketing")
@click.argument("slug")
@click.argument("file", type=FILE)
@with_appcontext
def replace_marketing(slug: str, file: Path) -> None:
    """Replace what the pages show of a tool with the JSON object in FILE."""
    with refusals_printed():
        marketing = read_marketing(file)
    with operator_session() as session:
        set_marketing(session, platform().cache, require_tool(session, slug), marketing)
    click.echo(f"{slug} has new marketing")


@tools.command("make-public")
@click.argument("slug")
@with_appcontext
def publish_internal(slug: str) -> None:
    """List an internal tool for everybody."""
    with operator_session() as session:
        make_public(session, platform().cache, require_tool(session, slug))
    click.echo(f"{slug} is public")


@integrations.command()
@with_appcontext
def seed() -> None:
    """Insert or refresh the integrations that Berth brings along."""
    with operator_session() as session:
        slugs = seed_integrations(session)
    click.echo(f"seeded {len(slugs)} integrations")


@integrations.command("list")
@as_json
@with_appcontext
def list_providers(is_json: bool) -> None:
    """List all integrations."""
    with operator_session(is_json=is_json) as session:
        found = list_integrations(session, include_disabled=True)
    fields = [(item.slug, item.default_profile, "enabled" if item.enabled else "disabled") for item in found]
    if is_json:
        names = ("slug", "default_profile", "state")
        print_json([dict(zip(names, values, strict=True)) for values in fields])
    elif fields:
        print_rows(list(fields))


def _is_listed(item: ListedTool) -> bool:
    return item.tool.enabled and not is_internal(item.tool)


def _tool_fields(item: ListedTool) -> dict[str, Any]:
    tool = item.tool
    return {
        "slug": tool.slug,
        "name": tool.name,
        "version": item.release.version if item.release else None,
        "tool_type": tool.tool_type,
        "category": tool.category,
        "usage_category": tool.usage_category,
        "enabled": tool.enabled,
        "featured": tool.featured,
        "internal": is_internal(tool),
        "owner_tenant_id": str(tool.owner_tenant_id) if tool.owner_tenant_id else None,
        "marketing": tool.marketing,
    }


def _tool_row(item: ListedTool) -> tuple[str, ...]:
    states = [] if item.tool.enabled else ["disabled"]
    states += ["internal"] if is_internal(item.tool) else []
    version = item.release.version if item.release else "unreleased"
    return item.tool.slug, version, ",".join(states), item.tool.name


def _release_fields(release: ToolRelease) -> dict[str, Any]:
    return {
        "version": release.version,
        "template_version": release.template_version,
        "status": release.status,
        "source_repo": release.source_repo,
        "created_at": iso(release.created_at),
    }
