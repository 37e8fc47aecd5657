"""Template manifests that tests start from, and what is wrong with one."""

from copy import deepcopy
from typing import Any

from app.catalog.manifest import validate_manifest

IMAGE = "registry.example.com/acme/mailroom:1.4.2"

_MAILROOM: dict[str, Any] = {
    "slug": "mailroom",
    "name": "Mailroom",
    "version": "1.4.2",
    "services": [
        {
            "name": "migrate",
            "role": "init",
            "image": IMAGE,
            "startCommand": "mailroom migrate",
            "env": {"DATABASE_URL": "${database_url_unpooled}"},
        },
        {"name": "web", "role": "web", "image": IMAGE, "env": {"SECRET": "${app_secret}"}},
    ],
    "serviceStartOrder": ["migrate", "web"],
    "databases": [{"name": "main", "type": "postgresql"}],
    "secrets": {"app_secret": {"type": "random_hex", "length": 32}},
    "readiness": {"healthPath": "/healthz"},
    "integrations": [{"provider": "openrouter"}, {"provider": "telegram", "optional": True}],
    "userInputs": [{"key": "TIMEZONE", "label": "Time zone", "default": "UTC"}],
}


def mailroom(**changes: Any) -> dict[str, Any]:
    """The worked example of the contract, with top-level keys replaced; None removes one."""
    document = {**deepcopy(_MAILROOM), **changes}
    return {key: value for key, value in document.items() if value is not None}


def web(**changes: Any) -> dict[str, Any]:
    return {"name": "web", "role": "web", "image": IMAGE, **changes}


def problems_of(document: object, known: set[str] | None = None) -> list[str]:
    return validate_manifest(document, known_providers=known).problems
