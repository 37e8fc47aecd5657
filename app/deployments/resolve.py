"""`resolve_env`: fill placeholders, write the variables that containers receive (manifest.md 7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy.orm import Session

from app.catalog.placeholders import find_placeholders, has_bootstrap_admin, has_database, render
from app.catalog.user_inputs import to_text
from app.connections.environment import list_integration_env
from app.core.config import Settings
from app.core.errors import InvalidError
from app.core.platform import Platform
from app.core.urls import credentials_url, data_proxy_url, proxy_url, tool_api_url
from app.deployments.credentials import read_credentials
from app.deployments.env import EnvRow, drop_env, env_for_service, read_env, write_env
from app.deployments.models import EnvKind
from app.deployments.rollout import ADMIN_PASSWORD, APP_KEY, DATABASE_PASSWORD, WEBHOOK_SECRET, Parties


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a deployment's own PostgreSQL database is, as its containers see it."""

    host: str
    port: int
    name: str
    role: str

    def url(self, password: str) -> str:
        return f"postgresql://{self.role}:{quote(password)}@{self.host}:{self.port}/{self.name}"


def database_address(settings: Settings, parties: Parties) -> DatabaseAddress:
    name = f"berth_{parties.deployment.id.hex}"
    host = settings.tenant_database_host or settings.host_gateway
    return DatabaseAddress(host, settings.tenant_database_port, name, name)


def resolve_env(session: Session, platform: Platform, parties: Parties) -> int:
    """Write every variable of the deployment and return how many there are.

    Raises InvalidError naming each required variable that is empty. `user` rows keep their values.
    """
    deployment, manifest = parties.deployment, parties.deployment.manifest or {}
    stored = read_env(session, platform.cipher, deployment.id)
    app_key = next(row.value for row in stored if row.key == APP_KEY)
    secrets = read_credentials(session, platform.cipher, deployment.id)
    users = {row.key: row.value for row in stored if row.kind == EnvKind.USER}
    defaults = {
        entry["key"]: to_text(entry["default"])
        for entry in manifest["userInputs"]
        if entry.get("default") is not None and entry["key"] not in users
    }
    integration = list_integration_env(session, platform, deployment.authorization_id, app_key)
    rows = _system_rows(platform.settings, parties, app_key, secrets)
    values = _placeholders(platform.settings, parties, {**rows, APP_KEY: app_key}, secrets)
    values |= {entry["key"]: "" for entry in manifest["userInputs"]} | defaults | users
    resolved = _Resolved(rows, integration, defaults, _services(manifest, values))
    written = _store(session, platform, parties, resolved)
    kept = [row for row in stored if row.kind == EnvKind.USER]
    _check_required(manifest, [*kept, *written])
    return len({(row.service, row.key) for row in [*kept, *written]})


@dataclass(frozen=True)
class _Resolved:
    system: Mapping[str, str]
    integration: Mapping[str, str]
    defaults: Mapping[str, str]
    services: list[EnvRow]

    def __repr__(self) -> str:
        return "_Resolved()"


def _store(session: Session, platform: Platform, parties: Parties, resolved: _Resolved) -> list[EnvRow]:
    identifier, cipher = parties.deployment.id, platform.cipher
    # Everything that is worked out is written anew, so that nothing outlives what it came from.
    for kind in (EnvKind.SYSTEM, EnvKind.INTEGRATION):
        drop_env(session, identifier, kind)
    system = [
        EnvRow(key, value, EnvKind.SYSTEM, is_secret=key in _SECRET_NAMES)
        for key, value in resolved.system.items()
    ]
    integration = [
        EnvRow(key, value, EnvKind.INTEGRATION, is_secret=not key.endswith(("_URL", "_ID", "_USERNAME")))
        for key, value in resolved.integration.items()
    ]
    defaults = [EnvRow(key, value, EnvKind.USER) for key, value in resolved.defaults.items()]
    written = [*system, *resolved.services, *integration, *defaults]
    # No default is named like a row that the owner has, so a value that was set is never overwritten.
    write_env(session, cipher, identifier, written)
    return written


def _system_rows(
    settings: Settings, parties: Parties, app_key: str, secrets: Mapping[str, str]
) -> dict[str, str]:
    deployment, manifest = parties.deployment, parties.deployment.manifest or {}
    api = tool_api_url(settings)
    rows = {
        APP_KEY: app_key,
        "VENDO_DEPLOYMENT_TOKEN": app_key,
        "VENDO_TENANT_ID": str(deployment.tenant_id),
        "VENDO_DEPLOYMENT_ID": str(deployment.id),
        "VENDO_DEPLOYMENT_SLUG": deployment.deployment_slug,
        "VENDO_API_URL": api,
        "VENDO_BASE_URL": api,
        "VENDO_CREDENTIALS_URL": credentials_url(settings),
        "VENDO_DATA_PROXY_URL": data_proxy_url(settings),
        "VENDO_WEBHOOK_SECRET": secrets[WEBHOOK_SECRET],
        "DOMAIN": f"{deployment.subdomain}.{settings.base_domain}",
        "SUBDOMAIN": deployment.subdomain,
    }
    if deployment.vendo_auth:
        rows["VENDO_AUTH"] = "1"
    if has_database(manifest, "postgresql"):
        rows |= {name.upper(): value for name, value in _database(settings, parties, secrets).items()}
    if has_bootstrap_admin(manifest):
        rows |= {"ADMIN_EMAIL": deployment.admin_email, "ADMIN_PASSWORD": secrets[ADMIN_PASSWORD]}
    return rows


def _database(settings: Settings, parties: Parties, secrets: Mapping[str, str]) -> dict[str, str]:
    address, password = database_address(settings, parties), secrets[DATABASE_PASSWORD]
    return {
        "database_url": address.url(password),
        "database_url_unpooled": address.url(password),
        "database_host": address.host,
        "database_port": str(address.port),
        "database_user": address.role,
        "database_password": password,
        "database_name": address.name,
    }


def _placeholders(
    settings: Settings, parties: Parties, system: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """Every value that `${name}` may stand for; a name that was not requested is absent."""
    return {
        **{name.lower(): value for name, value in system.items()},
        **secrets,
        "vendo_proxy_url": proxy_url(settings, "openrouter"),
        "openai_proxy_url": proxy_url(settings, "openai"),
        "anthropic_proxy_url": proxy_url(settings, "anthropic").removesuffix("/v1"),
        "admin_workspace_name": parties.tenant.name,
    }


def _services(manifest: Mapping[str, Any], values: Mapping[str, str]) -> list[EnvRow]:
    return [
        EnvRow(
            key,
            render(to_text(value), values),
            EnvKind.SYSTEM,
            service["name"],
            is_secret=not _PUBLIC_PLACEHOLDERS.issuperset(find_placeholders(to_text(value))),
        )
        for service in manifest["services"]
        for key, value in service["env"].items()
    ]


def _check_required(manifest: Mapping[str, Any], rows: list[EnvRow]) -> None:
    web = next(service["name"] for service in manifest["services"] if service["role"] == "web")
    env = env_for_service(rows, web)
    # PORT is each service's own and added at its launch.
    missing = [name for name in manifest["requiredEnv"] if not env.get(name) and name != "PORT"]
    if missing:
        raise InvalidError(f"Required variables are empty: {', '.join(missing)}")


_SECRET_NAMES = frozenset(
    {
        APP_KEY,
        "VENDO_DEPLOYMENT_TOKEN",
        "VENDO_WEBHOOK_SECRET",
        "ADMIN_PASSWORD",
        "DATABASE_URL",
        "DATABASE_URL_UNPOOLED",
        "DATABASE_PASSWORD",
    }
)
# A variable made of nothing else may be shown: blanking a label or a path would blank the tool's own log.
_PUBLIC_PLACEHOLDERS = frozenset(
    {
        "domain",
        "subdomain",
        "database_host",
        "database_port",
        "database_user",
        "database_name",
        "vendo_tenant_id",
        "vendo_deployment_id",
        "vendo_deployment_slug",
        "vendo_proxy_url",
        "openai_proxy_url",
        "anthropic_proxy_url",
        "admin_email",
        "admin_workspace_name",
    }
)
