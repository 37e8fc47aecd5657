"""Names that become host names: what they may look like and which are taken by Berth itself."""

import re
from collections.abc import Iterable

# `\Z` and not `$`, which would let a trailing newline pass.
TENANT_SLUG = re.compile(r"^[a-z0-9][a-z0-9-]{0,18}[a-z0-9]\Z")
DEPLOYMENT_SLUG = re.compile(r"^(?!.*--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")

RESERVED_SLUGS = frozenset(
    {
        "admin",
        "api",
        "app",
        "apps",
        "assets",
        "auth",
        "berth",
        "billing",
        "cdn",
        "credentials",
        "dashboard",
        "docs",
        "downloads",
        "hooks",
        "localhost",
        "mail",
        "ns1",
        "ns2",
        "proxy",
        "registry",
        "root",
        "ssh",
        "staging",
        "static",
        "status",
        "support",
        "vendo",
        "www",
    }
)


def is_reserved_slug(slug: str) -> bool:
    """Whether a workspace may not take this slug: a host of Berth's own, or the name of a provider proxy."""
    return slug in RESERVED_SLUGS or slug.endswith("-proxy")


def is_reserved_label(label: str, reserved_hosts: Iterable[str]) -> bool:
    """Whether a rendered `{tenant}-{deployment}` label may not be served (deploy.md 1.3).

    `reserved_hosts` are the operator's own, each a bare label or a whole host name.
    """
    if label.endswith(("-proxy", "-oauth-start")) or label.startswith("xn--"):
        return True
    return any(label == host.lower().partition(".")[0] for host in reserved_hosts)
