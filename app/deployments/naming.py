"""Ids, slugs and labels of deployments (deploy.md 0 and 1.3)."""

import re
from uuid import UUID

from app.core.errors import InvalidError, NotFoundError
from app.core.slugs import DEPLOYMENT_SLUG, RESERVED_SLUGS, is_reserved_label

LABEL_LENGTH = 63


def format_deployment_id(deployment_id: UUID) -> str:
    return f"dpl_{deployment_id.hex}"


def parse_deployment_id(text: str) -> UUID:
    """A `dpl_` id or plain UUID in any case; raises NotFoundError for anything else."""
    lowered = text.lower()
    if re.fullmatch(r"dpl_[0-9a-f]{32}", lowered):
        return UUID(lowered[4:])
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lowered):
        return UUID(lowered)
    raise NotFoundError


def make_label(tenant_slug: str, deployment_slug: str) -> str:
    return f"{tenant_slug}-{deployment_slug}"


def default_slug(tool_slug: str, tenant_slug: str) -> str:
    """The tool's slug without what a default may not hold, cut so that the label fits."""
    return re.sub(r"[^a-z0-9]", "", tool_slug)[: LABEL_LENGTH - len(tenant_slug) - 1]


def check_slug(tenant_slug: str, slug: str, reserved_hosts: tuple[str, ...]) -> str:
    """The label of a usable slug.

    Raises InvalidError INVALID_SLUG, SUBDOMAIN_TOO_LONG or SUBDOMAIN_RESERVED, in this order.
    """
    if not re.fullmatch(DEPLOYMENT_SLUG, slug) or slug in RESERVED_SLUGS:
        raise InvalidError(
            "Use lowercase letters, digits and single hyphens for the slug; some names are reserved.",
            code="INVALID_SLUG",
        )
    label = make_label(tenant_slug, slug)
    if len(label) > LABEL_LENGTH:
        raise InvalidError(f"{label} is longer than {LABEL_LENGTH} characters.", code="SUBDOMAIN_TOO_LONG")
    if is_reserved_label(label, reserved_hosts):
        raise InvalidError(f"{label} is reserved. Pick a different slug.", code="SUBDOMAIN_RESERVED")
    return label
