"""`${name}` in a manifest: which names exist, which variables the platform injects, and filling them in."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PLACEHOLDER = re.compile(r"(\$?)\$\{([^{}]*)\}")
HOOK_INPUT_PREFIX = "userInput."

DATABASE_PLACEHOLDERS = frozenset(
    {
        "database_url",
        "database_url_unpooled",
        "database_host",
        "database_port",
        "database_user",
        "database_password",
        "database_name",
    }
)
STORAGE_PLACEHOLDERS = frozenset(
    {
        "r2_bucket",
        "r2_endpoint",
        "r2_access_key",
        "r2_secret_key",
        "r2_access_key_id",
        "r2_secret_access_key",
    }
)
REDIS_PLACEHOLDERS = frozenset({"redis_url"})
ADMIN_PLACEHOLDERS = frozenset({"admin_email", "admin_password", "admin_workspace_name"})
COMMON_PLACEHOLDERS = frozenset(
    {
        "domain",
        "subdomain",
        "vendo_api_key",
        "vendo_tenant_id",
        "vendo_deployment_id",
        "vendo_deployment_slug",
        "vendo_proxy_url",
        "openai_proxy_url",
        "anthropic_proxy_url",
    }
)
BUILT_IN_PLACEHOLDERS = (
    COMMON_PLACEHOLDERS
    | DATABASE_PLACEHOLDERS
    | REDIS_PLACEHOLDERS
    | STORAGE_PLACEHOLDERS
    | ADMIN_PLACEHOLDERS
)

COMMON_VARIABLES = frozenset(
    {
        "VENDO_API_KEY",
        "VENDO_TENANT_ID",
        "VENDO_DEPLOYMENT_ID",
        "VENDO_DEPLOYMENT_SLUG",
        "DOMAIN",
        "SUBDOMAIN",
        "VENDO_API_URL",
        "VENDO_BASE_URL",
        "VENDO_CREDENTIALS_URL",
        "VENDO_DATA_PROXY_URL",
        "VENDO_WEBHOOK_SECRET",
        "VENDO_DEPLOYMENT_TOKEN",
        "VENDO_AUTH",
        "PORT",
    }
)


@dataclass(frozen=True)
class Resource:
    """Something a manifest may request, with the names that come with it."""

    placeholders: frozenset[str]
    variables: frozenset[str]


DATABASE = Resource(DATABASE_PLACEHOLDERS, frozenset(name.upper() for name in DATABASE_PLACEHOLDERS))
REDIS = Resource(REDIS_PLACEHOLDERS, frozenset({"REDIS_URL"}))
STORAGE = Resource(STORAGE_PLACEHOLDERS, frozenset(name.upper() for name in STORAGE_PLACEHOLDERS))
ADMIN = Resource(ADMIN_PLACEHOLDERS, frozenset({"ADMIN_EMAIL", "ADMIN_PASSWORD"}))
PLATFORM_VARIABLES = COMMON_VARIABLES.union(*(part.variables for part in (DATABASE, REDIS, STORAGE, ADMIN)))
# The deploy body names the bootstrap admin through this variable, so a user may always send it.
_SETTABLE = frozenset({"ADMIN_EMAIL"})


def find_placeholders(text: str) -> list[str]:
    """List the names that the text asks for, in order; an escaped `$${x}` asks for nothing."""
    return [match[2] for match in _PLACEHOLDER.finditer(text) if not match[1]]


def render(text: str, values: Mapping[str, str]) -> str:
    """Fill every placeholder; `$${x}` becomes `${x}`; raises KeyError on a name without a value."""
    return _PLACEHOLDER.sub(lambda match: match[0][1:] if match[1] else values[match[2]], text)


def find_texts(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[tuple[object, ...], str]]:
    """Yield every text inside a JSON value with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from find_texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_texts(item, (*path, index))


def known_placeholders(manifest: Mapping[str, Any]) -> set[str]:
    """Return the names a manifest may use: the platform's for what it requests, its secrets, its inputs."""
    return {
        *COMMON_PLACEHOLDERS,
        *(name for resource in _requested(manifest) for name in resource.placeholders),
        *_mapping(manifest.get("secrets")),
        *input_keys(manifest),
    }


def reserved_variables(manifest: Mapping[str, Any], integration_variables: Collection[str] = ()) -> set[str]:
    """Return the names that no user variable may take: system ones that apply here, and integration ones."""
    system = {*COMMON_VARIABLES, *(name for resource in _requested(manifest) for name in resource.variables)}
    return (system - _SETTABLE) | set(integration_variables)


def input_keys(manifest: Mapping[str, Any]) -> list[str]:
    """List the keys of the well-formed `userInputs` entries."""
    return [entry["key"] for entry in entries(manifest, "userInputs") if isinstance(entry.get("key"), str)]


def entries(manifest: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """List the objects of an array of the manifest, tolerating one that is not well-formed."""
    items = manifest.get(name)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def has_database(manifest: Mapping[str, Any], kind: str) -> bool:
    return any(entry.get("type") == kind for entry in entries(manifest, "databases"))


def has_bootstrap_admin(manifest: Mapping[str, Any]) -> bool:
    bootstrap = manifest.get("adminBootstrap")
    if isinstance(bootstrap, dict):
        return bootstrap.get("authMode") != "no_auth"
    return bootstrap is None and manifest.get("bootstrap_admin") is True


def _requested(manifest: Mapping[str, Any]) -> Iterator[Resource]:
    if has_database(manifest, "postgresql"):
        yield DATABASE
    if has_database(manifest, "redis"):
        yield REDIS
    if manifest.get("r2Storage") is True:
        yield STORAGE
    if has_bootstrap_admin(manifest):
        yield ADMIN


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
