"""Apps that ask for their connections, and what every answer holds."""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from app.connections.credentials import credential_owner
from app.connections.models import Profile
from app.core.platform import Platform
from tests.app.connections.rows import (
    Tenancy,
    bind,
    make_app,
    make_connection,
    make_integration,
)
from tests.factories import Workspace

PATH = "/api/deployments/me/connections"
KEYS = {
    *("id", "external_id", "slug", "display_name", "category", "profile", "status", "api_key", "base_url"),
    *("credential", "metadata", "context", "setup_url", "error_message", "connected_at", "env_bootstrap"),
    *("exclusive", "logo_url", "brand_color", "docs_url"),
}
BOOTSTRAP = {"vars": [{"name": "X_KEY", "value_from": "credential.vendo_sk"}], "restart": "gateway"}
Build = Callable[[Session], Tenancy]
ReadConnections = Callable[..., list[dict[str, Any]]]


def static_app(
    session: Session, platform: Platform, workspace: Workspace, exclusive: bool = False
) -> Tenancy:
    declared = [
        {"name": "TELEGRAM_BOT_TOKEN", "value_from": "credential.bot_token"},
        {"name": "TELEGRAM_BOT_ID", "value_from": "metadata.telegram_bot_id"},
        {"name": "TELEGRAM_SIGNING_SECRET", "value_from": "metadata.webhook.signing_secret"},
    ]
    byok = make_integration(
        session, Profile.BYOK_STATIC, env_vars=declared, exclusive=exclusive, env_bootstrap=BOOTSTRAP
    )
    details = {
        "telegram_bot_id": 77,
        "webhook": {"signing_secret": "hush", "path": "/x"},
        "context": {byok.slug: {"ref": "abc"}, "other": {"ref": "no"}},
    }
    row = make_connection(session, platform, workspace.tenant_id, byok, details=details)
    payload = json.dumps({"bot_token": "77:AA", "port": 5, "nested": {"no": 1}})
    row.encrypted_credential = platform.cipher.seal(payload, credential_owner(row.id))
    tenancy = make_app(session, workspace.tenant_id)
    bind(session, tenancy, row, is_exclusive=exclusive).details = {"chat": "ops"}
    return tenancy
