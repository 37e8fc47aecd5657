"""A connection's credential in the clear, for the one app that it is bound to."""

import json
from typing import Any
from uuid import UUID

from app.connections.models import Connection, Profile
from app.core.clock import utc_now
from app.core.platform import Platform
from app.core.urls import proxy_url

STORED_HERE = frozenset({Profile.BYOK_STATIC, Profile.OAUTH_APP_INSTALL, Profile.USER_OAUTH})


def open_credential(platform: Platform, connection: Connection, bearer: str) -> dict[str, Any] | None:
    """The fields of a credential, or None for a profile that keeps none here; raises DecryptError.

    A pool connection has no secret of the tenant: the app's own key is its credential.
    """
    if connection.profile == Profile.MANAGED_POOL:
        base_url = proxy_url(platform.settings, connection.provider_slug)
        return {"api_key": bearer, "vendo_sk": bearer, "base_url": base_url}
    if connection.profile not in STORED_HERE or connection.encrypted_credential is None:
        return None
    opened = platform.cipher.open(connection.encrypted_credential, credential_owner(connection.id))
    if connection.profile == Profile.BYOK_STATIC:
        fields: dict[str, Any] = json.loads(opened)
        return fields
    is_expired = connection.expires_at is not None and connection.expires_at <= utc_now()
    return None if is_expired else {"access_token": opened}


def credential_owner(connection_id: UUID) -> str:
    """What a sealed credential is bound to, so that it opens in no other row."""
    return f"connection:{connection_id}:credential"
