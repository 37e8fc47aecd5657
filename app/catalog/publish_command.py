"""`flask tools publish` and `flask tools check`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from app.catalog.command_output import fail, operator_session, print_json, refusals_printed, warn
from app.catalog.manifest import validate_manifest
from app.catalog.manifest_files import check_place, read_json_object, read_marketing, read_text
from app.catalog.publishing import (
    CatalogFlags,
    Publication,
    Published,
    check_manifest,
    needs_commit,
    publish_tool,
)
from app.catalog.source_pin import resolve_commit
from app.catalog.vendo_yaml import validate_vendo_yaml
from app.core.errors import NotFoundError
from app.http import platform
from app.identity.tenants import find_tenant_by_slug

FILE = click.Path(path_type=Path)


@click.command("publish")
@click.argument("path", type=FILE)
@click.option("--internal", "is_internal", is_flag=True, help="Hide the tool from public lists.")
@click.option("--owner", metavar="TENANT", help="Slug of the workspace whose own tool this is.")
@click.option("--inactive", "is_inactive", is_flag=True, help="Store the release without switching to it.")
@click.option("--disabled", "is_disabled", is_flag=True, help="Take no new deployments.")
@click.option("--category", help="Category of the catalog row.")
@click.option(
    "--icon", "icon_url", metavar="URL", help="Icon: an absolute URL, or a path such as /logos/x.svg."
)
@click.option("--source-repo", metavar="URL", help="Where the tool's source lives.")
@click.option("--marketing", type=FILE, help="JSON file with the marketing keys.")
@click.option("--allow-downgrade", is_flag=True, help="Activate a version lower than the active one.")
@click.option("--dry-run", "is_dry_run", is_flag=True, help="Say what would happen and write nothing.")
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@with_appcontext
def publish(path: Path, is_dry_run: bool, is_json: bool, **options: Any) -> None:
    """Publish the template manifest in the file PATH."""
    with refusals_printed(is_json=is_json):
        publication = _prepare(path, options, is_dry_run)
    with operator_session(is_json=is_json, is_dry_run=is_dry_run) as session:
        done = publish_tool(session, platform().cache, publication)
    warn(done.warnings)
    if is_json:
        print_json({"ok": True, "dry_run": is_dry_run, **asdict(done)})
    else:
        click.echo(_sentence(done, is_dry_run))


@click.command("check")
@click.argument("path", type=FILE)
def check(path: Path) -> None:
    """Check a vendo.yaml, or a template manifest when PATH ends in .json; needs no database."""
    with refusals_printed():
        if path.suffix != ".json":
            problems, warnings = validate_vendo_yaml(read_text(path)), []
        else:
            document = read_json_object(path)
            report = validate_manifest(document, known_providers=None)
            problems, warnings = [*check_place(document, path), *report.problems], report.warnings
    warn(warnings)
    if problems:
        fail(problems)
    click.echo(f"{path} is valid")


def _prepare(path: Path, options: dict[str, Any], is_dry_run: bool) -> Publication:
    document = read_json_object(path)
    marketing = read_marketing(options["marketing"]) if options["marketing"] else None
    with platform().database.session() as session:
        check_manifest(session, document, check_place(document, path))
        owner_tenant_id = _owner(session, options["owner"])
        wants_commit = needs_commit(session, document) and not is_dry_run
    flags = CatalogFlags(
        enabled=False if options["is_disabled"] else None,
        category=options["category"],
        icon_url=options["icon_url"],
        marketing=marketing,
        is_internal=options["is_internal"],
        owner_tenant_id=owner_tenant_id,
    )
    return Publication(
        document=document,
        activate=not options["is_inactive"],
        allow_downgrade=options["allow_downgrade"],
        source_repo=options["source_repo"],
        # Outside any transaction, because it waits for another server.
        source_commit=_commit_of(document["source"]) if wants_commit else None,
        flags=flags,
    )


def _owner(session: Session, slug: str | None) -> UUID | None:
    if slug is None:
        return None
    tenant = find_tenant_by_slug(session, slug)
    if tenant is None:
        raise NotFoundError(f"there is no workspace {slug}")
    return tenant.id


def _commit_of(source: dict[str, Any]) -> str:
    return resolve_commit(source["repo"], source.get("ref"))


def _sentence(done: Published, is_dry_run: bool) -> str:
    name = f"{done.slug} {done.version}"
    if done.is_unchanged:
        return f"{name} already published, unchanged"
    verb = "would publish" if is_dry_run else "published"
    if done.active_now != done.version:
        rest = f"; active is {done.active_now}" if done.active_now else ""
        return f"{verb} {name} (inactive{rest})"
    was = f"; was {done.active_before}" if done.active_before else ""
    return f"{verb} {name} (active{was})"
