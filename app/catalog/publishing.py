"""Publishing a version of a tool: checked, stored once and for ever, and made the active release."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.integrations import list_enabled_slugs
from app.catalog.manifest import validate_manifest
from app.catalog.models import Tool, ToolRelease, ToolTemplate
from app.catalog.public_lists import outdate_public_lists
from app.catalog.releases import (
    INACTIVE,
    find_active_release,
    find_template,
    is_older_version,
    lock_tool,
    refuse_downgrade,
    switch_active,
)
from app.catalog.tools import find_tool, is_internal
from app.catalog.user_inputs import wizard_inputs
from app.core.errors import ConflictError, InvalidError
from app.core.redis import Cache


class ManifestError(InvalidError):
    """The manifest is refused; `problems` has one line for each reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class CatalogFlags:
    """What the command line says about the catalog row; None leaves a column alone."""

    enabled: bool | None = None
    category: str | None = None
    icon_url: str | None = None
    marketing: Mapping[str, Any] | None = None
    is_internal: bool = False
    owner_tenant_id: UUID | None = None


@dataclass(frozen=True)
class Publication:
    """One manifest on its way into the catalog."""

    document: dict[str, Any]
    activate: bool = True
    allow_downgrade: bool = False
    source_repo: str | None = None
    # The commit that `source.ref` stands for at this moment, when the tool is built from a repository.
    source_commit: str | None = None
    flags: CatalogFlags = field(default_factory=CatalogFlags)


@dataclass(frozen=True)
class Published:
    """What publishing did; an unchanged version did nothing."""

    slug: str
    version: str
    is_unchanged: bool
    active_before: str | None
    active_now: str | None
    warnings: list[str]


def check_manifest(session: Session, document: object, problems: Sequence[str] = ()) -> list[str]:
    """Return the warnings of a manifest that may be published; raises ManifestError, `problems` included."""
    report = validate_manifest(document, known_providers=list_enabled_slugs(session))
    if problems or report.problems:
        raise ManifestError([*problems, *report.problems])
    return report.warnings


def publish_tool(session: Session, cache: Cache, publication: Publication) -> Published:
    """Store a version and, unless told otherwise, make it the active release, all in this transaction.

    Raises ManifestError, and ConflictError for other content under a published version or a downgrade.
    """
    document = publication.document
    warnings = check_manifest(session, document)
    slug, version = document["slug"], document["version"]
    lock_tool(session, slug)
    tool = find_tool(session, slug)
    before = find_active_release(session, tool.id) if tool else None
    before_version = before.version if before else None
    if _is_stored(session, document):
        return Published(slug, version, True, before_version, before_version, warnings)
    tool = tool or _add_tool(session, document)
    _apply_flags(tool, publication.flags)
    warnings += [*_unlisted_versions(session, tool, document), *_pricing_warnings(tool, document)]
    if publication.activate:
        refuse_downgrade(session, tool, version, publication.allow_downgrade)
        switch_active(session, tool, _add_release(session, tool, publication))
    else:
        _add_release(session, tool, publication)
    outdate_public_lists(session, cache)
    active_now = version if publication.activate else before_version
    return Published(slug, version, False, before_version, active_now, warnings)


def needs_commit(session: Session, document: Mapping[str, Any]) -> bool:
    """Say whether the tool is built from a repository and this version is not stored yet."""
    is_stored = find_template(session, document["slug"], document["version"]) is not None
    return isinstance(document.get("source"), dict) and not is_stored


def digest_of(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 that tells two contents of one version apart."""
    text = json.dumps(_content_of(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _content_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest without its catalog block, which describes the row and not the version."""
    return {key: value for key, value in document.items() if key != "catalog"}


def _is_stored(session: Session, document: Mapping[str, Any]) -> bool:
    slug, version = document["slug"], document["version"]
    template = find_template(session, slug, version)
    if template is not None and template.sha256 != digest_of(document):
        raise ConflictError(f"{slug} {version} is published with other content; cut a new version")
    return template is not None


def _add_tool(session: Session, document: Mapping[str, Any]) -> Tool:
    columns = {"description": document.get("description", ""), **document.get("catalog", {})}
    tool = Tool(slug=document["slug"], name=document["name"], **columns)
    session.add(tool)
    session.flush()
    session.refresh(tool)
    return tool


def _apply_flags(tool: Tool, flags: CatalogFlags) -> None:
    for column in ("enabled", "category", "icon_url", "owner_tenant_id"):
        if (value := getattr(flags, column)) is not None:
            setattr(tool, column, value)
    marketing = tool.marketing if flags.marketing is None else flags.marketing
    # An owner means a private deploy, and only an internal tool is private.
    is_private = flags.is_internal or flags.owner_tenant_id is not None or is_internal(tool)
    tool.marketing = {**marketing, "internal": True} if is_private else dict(marketing)


def _add_release(session: Session, tool: Tool, publication: Publication) -> ToolRelease:
    document, version = publication.document, publication.document["version"]
    session.add(
        ToolTemplate(
            slug=tool.slug, version=version, manifest=_pinned(publication), sha256=digest_of(document)
        )
    )
    source = document.get("source")
    release = ToolRelease(
        tool_id=tool.id,
        version=version,
        template_version=version,
        source_repo=publication.source_repo or (source["repo"] if isinstance(source, dict) else None),
        status=INACTIVE,
        wizard_inputs=wizard_inputs(document),
        wizard_layout=document.get("wizardLayout"),
        requires=document["integrations"],
    )
    session.add(release)
    session.flush()
    return release


def _pinned(publication: Publication) -> dict[str, Any]:
    content = _content_of(publication.document)
    if publication.source_commit is None:
        return content
    return {**content, "source": {**content["source"], "ref": publication.source_commit}}


def _unlisted_versions(session: Session, tool: Tool, document: Mapping[str, Any]) -> list[str]:
    published = session.scalars(select(ToolRelease.version).where(ToolRelease.tool_id == tool.id))
    listed = document.get("previousVersions", [])
    earlier = [version for version in published if is_older_version(version, document["version"])]
    return [f"/previousVersions does not list {version}" for version in earlier if version not in listed]


def _pricing_warnings(tool: Tool, document: Mapping[str, Any]) -> list[str]:
    is_free = tool.marketing.get("pricing") == "free"
    return (
        ["pricing is free, yet the integrations are billed"] if is_free and document["integrations"] else []
    )
