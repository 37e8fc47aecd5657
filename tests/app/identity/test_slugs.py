import pytest

from app.core.slugs import DEPLOYMENT_SLUG, TENANT_SLUG, is_reserved_label, is_reserved_slug


@pytest.mark.parametrize("slug", ["ab", "a1", "1a", "a-b", "x" * 20, "a--b"])
def test_tenant_slugs_of_the_rule_match(slug: str) -> None:
    assert TENANT_SLUG.match(slug)


@pytest.mark.parametrize("slug", ["", "a", "-a", "a-", "x" * 21, "Ab", "a_b", "ab\n", "é1"])
def test_other_tenant_slugs_do_not_match(slug: str) -> None:
    assert not TENANT_SLUG.match(slug)


@pytest.mark.parametrize("slug", ["a", "hermes", "support-bot", "x" * 63, "1"])
def test_deployment_slugs_of_the_rule_match(slug: str) -> None:
    assert DEPLOYMENT_SLUG.match(slug)


@pytest.mark.parametrize("slug", ["", "-a", "a-", "a--b", "x" * 64, "A", "a.b", "a\n"])
def test_other_deployment_slugs_do_not_match(slug: str) -> None:
    assert not DEPLOYMENT_SLUG.match(slug)


@pytest.mark.parametrize(("slug", "reserved"), [("api", True), ("openai-proxy", True), ("proxyless", False)])
def test_hosts_of_berth_and_proxies_are_reserved(slug: str, reserved: bool) -> None:
    assert is_reserved_slug(slug) is reserved


@pytest.mark.parametrize(
    ("label", "reserved"),
    [
        ("acme-crm", False),
        ("acme-openai-proxy", True),
        ("acme-slack-oauth-start", True),
        ("xn--acme-crm", True),
        ("status-page", True),
        ("grafana-main", True),
        ("grafana-mainly", False),
    ],
)
def test_labels_are_reserved_by_shape_and_by_the_operator(label: str, reserved: bool) -> None:
    assert is_reserved_label(label, ("Status-Page", "grafana-main.apps.example.com")) is reserved
