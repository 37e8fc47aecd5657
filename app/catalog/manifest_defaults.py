"""One shape of a manifest for every reader: all defaults filled in, older spellings replaced.

Only for a manifest that validates, or a stored one that once did. Doing it twice changes nothing.
"""

from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]

DEFAULT_PORT = 8080
DEFAULT_MAX_RETRIES = 30
DEFAULT_RETRY_SECONDS = 10
DEFAULT_INIT_SECONDS = 600
DEFAULT_SECRET_BYTES = 32
DEFAULT_HEALTH_PATH = "/healthz"
DEFAULT_NODE_VERSION = 20
DEFAULT_DATABASE_PROVIDERS = {"postgresql": "neon", "redis": "docker"}
DEFAULT_ADMIN_PAYLOAD = {"email": "${admin_email}", "password": "${admin_password}"}

_PLAIN_DEFAULTS: Manifest = {
    "description": None,
    "r2Storage": False,
    "wizardLayout": None,
    "vendoAuth": True,
    "previousVersions": [],
    "requiredEnv": [],
    "restartOn": [],
}


def normalize_manifest(document: Mapping[str, Any]) -> Manifest:
    """Return the manifest as the deploy worker reads it, with `startSequence` worked out."""
    services = document["services"]
    readiness = _readiness(document)
    return {
        **_PLAIN_DEFAULTS,
        **{key: value for key, value in document.items() if key not in ("catalog", "bootstrap_admin")},
        "source": _source(document.get("source", "upstream")),
        "services": [_service(service, readiness) for service in services],
        "readiness": readiness,
        "databases": [_database(entry) for entry in document.get("databases") or []],
        "secrets": {name: _secret(entry) for name, entry in (document.get("secrets") or {}).items()},
        "integrations": [_integration(entry) for entry in document["integrations"]],
        "userInputs": [_user_input(entry) for entry in document.get("userInputs") or []],
        "adminBootstrap": _admin_bootstrap(document),
        "appCredentialSeed": document.get("appCredentialSeed"),
        "deployHooks": {"afterDeploy": _hooks(document)},
        "computeProvider": _compute_provider(document),
        "serviceStartOrder": document.get("serviceStartOrder") or [],
        "startSequence": start_sequence(services, document.get("serviceStartOrder") or []),
    }


def start_sequence(services: list[Manifest], named: list[str]) -> list[Manifest]:
    """Return `{"service", "wait"}` per service in the order of starting.

    Unlisted `init` services come first and are always waited for; of the rest each named one is waited
    for except the last. Nothing listed means manifest order, as if all were named.
    """
    roles = {service["name"]: service["role"] for service in services}
    unlisted = [name for name in roles if name not in named]
    early = [name for name in unlisted if roles[name] == "init"]
    late = [name for name in unlisted if roles[name] != "init"]
    # The last named service is not waited for; a `cron` service is never up.
    waited = {name for name in (named or late)[:-1] if roles[name] != "cron"}
    order = [*early, *named, *late]
    return [{"service": name, "wait": name in waited or roles[name] == "init"} for name in order]


def _compute_provider(document: Mapping[str, Any]) -> str:
    provider: str = document.get("computeProvider") or "docker"
    return "docker" if provider == "railway" else provider


def _readiness(document: Mapping[str, Any]) -> Manifest:
    given = document.get("readiness") or {}
    web: Manifest = next((service for service in document["services"] if service["role"] == "web"), {})
    # The fall-backs serve stored rows from before `healthPath` was required.
    path = given.get("healthPath") or web.get("healthPath") or document.get("healthEndpoint")
    return {
        "maxRetries": DEFAULT_MAX_RETRIES,
        "retryIntervalSec": DEFAULT_RETRY_SECONDS,
        "expectedBootTimeSec": None,
        **given,
        "healthPath": path or DEFAULT_HEALTH_PATH,
    }


def _service(service: Manifest, readiness: Manifest) -> Manifest:
    is_init = service["role"] == "init"
    budget = DEFAULT_INIT_SECONDS if is_init else readiness["maxRetries"] * readiness["retryIntervalSec"]
    return {
        "image": None,
        "buildArtifact": None,
        "port": DEFAULT_PORT,
        "startCommand": None,
        "healthPath": None,
        "schedule": None,
        "resources": None,
        "env": {},
        "healthcheckTimeout": budget,
        **service,
        "volumes": [{"sizeGB": 1, **volume} for volume in service.get("volumes") or []],
    }


def _source(source: str | Manifest) -> str | Manifest:
    if isinstance(source, str):
        return source
    return {
        "ref": None,
        "installCommand": None,
        "buildCommand": None,
        "outputDir": None,
        "nodeVersion": DEFAULT_NODE_VERSION,
        "dockerfile": "Dockerfile",
        "context": ".",
        **source,
    }


def _database(entry: Manifest) -> Manifest:
    provider = DEFAULT_DATABASE_PROVIDERS[entry["type"]]
    return {"provider": provider, "image": None, "persist": False, **entry}


def _secret(entry: Manifest) -> Manifest:
    return entry if entry["type"] == "uuid" else {"length": DEFAULT_SECRET_BYTES, **entry}


def _integration(entry: Manifest) -> Manifest:
    return {"optional": False, "profile": None, "cardinality": "per_deployment", **entry}


def _user_input(entry: Manifest) -> Manifest:
    defaults = {
        "label": entry["key"],
        "inputType": "text",
        "category": "user_optional",
        "visibility": "visible",
    }
    return {**defaults, **entry}


def _admin_bootstrap(document: Mapping[str, Any]) -> Manifest | None:
    bootstrap: Manifest | None = document.get("adminBootstrap")
    if bootstrap is None:
        return {"authMode": "manual_setup"} if document.get("bootstrap_admin") is True else None
    if bootstrap["authMode"] != "api_seed":
        return bootstrap
    return {"payloadTemplate": dict(DEFAULT_ADMIN_PAYLOAD), **bootstrap}


def _hooks(document: Mapping[str, Any]) -> list[Manifest]:
    hooks = (document.get("deployHooks") or {}).get("afterDeploy") or []
    return [{"kind": hook["kind"], "args": _hook_args(hook)} for hook in hooks]


def _hook_args(hook: Manifest) -> Manifest:
    flat = {"path": hook["path"]} if "path" in hook else {}
    return {**flat, **(hook.get("args") or {})}
