"""Every absolute URL that Berth hands out, in host or path form.

What a person opens stands on PUBLIC_URL. What a container calls stands on an origin that the container can
reach: a loopback PUBLIC_URL would be the container itself there.
"""

import ipaddress
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from app.core.config import Settings

ACTION_PROVIDER = "composio"


def app_url(settings: Settings, label: str) -> str:
    """Where people open a deployed tool."""
    if settings.routing == "path":
        return f"{settings.public_url}/d/{label}/"
    return _host_origin(settings, label)


def connect_url(settings: Settings, slug: str, app_id: UUID) -> str:
    """The page on which a person connects a provider for an app."""
    return f"{settings.public_url}/connections/connect/{slug}?{urlencode({'app': str(app_id)})}"


def top_up_url(settings: Settings) -> str:
    return f"{settings.public_url}/billing"


def tool_api_url(settings: Settings) -> str:
    """The origin of Berth's API as a container reaches it."""
    if settings.tool_api_url:
        return settings.tool_api_url
    if settings.host_gateway and _is_loopback(urlsplit(settings.public_url).hostname or ""):
        return f"http://{settings.host_gateway}:{settings.port}"
    return settings.public_url


def proxy_url(settings: Settings, provider: str) -> str:
    """The base URL of a provider's proxy for a container, version segment included."""
    return f"{_surface(settings, f'{provider}-proxy', f'proxy/{provider}')}/v1"


def data_proxy_url(settings: Settings) -> str:
    """The action proxy for a container; SDKs append `/v1/execute`."""
    return _surface(settings, f"{ACTION_PROVIDER}-proxy", f"proxy/{ACTION_PROVIDER}")


def credentials_url(settings: Settings) -> str:
    """Credential vending for a container; SDKs append `/{provider}`."""
    return _surface(settings, "credentials", "credentials")


def _surface(settings: Settings, label: str, path: str) -> str:
    if settings.routing == "path":
        return f"{tool_api_url(settings)}/{path}"
    return _host_origin(settings, label)


def _host_origin(settings: Settings, label: str) -> str:
    public = urlsplit(settings.public_url)
    port = f":{public.port}" if public.port else ""
    return f"{public.scheme}://{label}.{settings.base_domain}{port}"


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
