"""Every absolute URL in both forms: for people on PUBLIC_URL, for containers where they can reach it."""

from uuid import UUID

import pytest

from app.core import urls
from app.core.config import Settings, load_settings

APP = UUID(int=7)


def settings_with(**variables: str) -> Settings:
    required = {
        "DATABASE_URL": "postgresql://localhost/x",
        "REDIS_URL": "redis://localhost",
        "INTEGRATION_ENCRYPTION_KEY": "k1:" + "A" * 43 + "=",
        "BERTH_HOME": "/nonexistent",
        "PUBLIC_URL": "https://berth.example.com",
        "BASE_DOMAIN": "apps.example.com",
    }
    return load_settings({**required, **variables})


HOST = settings_with(BERTH_ROUTING="host")
PATH = settings_with(BERTH_ROUTING="path")
LOCAL = {"PUBLIC_URL": "http://localhost:8080", "BASE_DOMAIN": "localhost", "BERTH_PORT": "8080"}


def test_host_form_names_each_surface() -> None:
    assert urls.app_url(HOST, "acme-crm") == "https://acme-crm.apps.example.com"
    assert urls.proxy_url(HOST, "openai") == "https://openai-proxy.apps.example.com/v1"
    assert urls.data_proxy_url(HOST) == "https://composio-proxy.apps.example.com"
    assert urls.credentials_url(HOST) == "https://credentials.apps.example.com"


def test_path_form_names_each_surface() -> None:
    assert urls.app_url(PATH, "acme-crm") == "https://berth.example.com/d/acme-crm/"
    assert urls.proxy_url(PATH, "openai") == "https://berth.example.com/proxy/openai/v1"
    assert urls.data_proxy_url(PATH) == "https://berth.example.com/proxy/composio"
    assert urls.credentials_url(PATH) == "https://berth.example.com/credentials"


def test_pages_for_people_stand_on_the_public_origin() -> None:
    local = settings_with(**LOCAL, BERTH_ROUTING="path", HOST_GATEWAY="10.200.0.1")
    assert urls.app_url(local, "acme-crm") == "http://localhost:8080/d/acme-crm/"
    page = f"http://localhost:8080/connections/connect/slack?app={APP}"
    assert urls.connect_url(local, "slack", APP) == page
    assert urls.top_up_url(local) == "http://localhost:8080/billing"


@pytest.mark.parametrize(
    "public", ["http://localhost:8080", "http://127.0.0.1:8080", "http://x.localhost:8080"]
)
def test_a_container_is_never_sent_to_its_own_loopback(public: str) -> None:
    changed = {"PUBLIC_URL": public, "BERTH_ROUTING": "path", "HOST_GATEWAY": "10.200.0.1"}
    local = settings_with(**{**LOCAL, **changed})
    assert urls.tool_api_url(local) == "http://10.200.0.1:8080"
    assert urls.proxy_url(local, "openai") == "http://10.200.0.1:8080/proxy/openai/v1"
    assert urls.credentials_url(local) == "http://10.200.0.1:8080/credentials"


def test_a_configured_tool_origin_wins() -> None:
    inner = settings_with(**LOCAL, HOST_GATEWAY="10.200.0.1", TOOL_API_URL="http://berth.internal:9000")
    assert urls.tool_api_url(inner) == "http://berth.internal:9000"


def test_a_public_origin_that_containers_reach_is_used_as_it_is() -> None:
    assert urls.tool_api_url(settings_with(HOST_GATEWAY="10.200.0.1")) == "https://berth.example.com"


def test_host_form_keeps_the_port_and_scheme_of_the_public_origin() -> None:
    assert urls.app_url(settings_with(**LOCAL), "acme-crm") == "http://acme-crm.localhost:8080"
