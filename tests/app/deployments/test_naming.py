from uuid import UUID, uuid4

import pytest

from app.core.errors import InvalidError, NotFoundError
from app.deployments.naming import (
    check_slug,
    default_slug,
    format_deployment_id,
    make_label,
    parse_deployment_id,
)

KNOWN = UUID("0b9e6f1c-2a7d-4e58-b3c1-d2e3f4a5b6c7")


def test_an_id_is_written_as_in_the_contract():
    assert format_deployment_id(KNOWN) == "dpl_0b9e6f1c2a7d4e58b3c1d2e3f4a5b6c7"


def test_what_is_written_is_read():
    for _ in range(50):
        fresh = uuid4()
        assert parse_deployment_id(format_deployment_id(fresh)) == fresh
        assert parse_deployment_id(str(fresh).upper()) == fresh


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dpl_",
        "0b9e6f1c2a7d4e58b3c1d2e3f4a5b6c7",
        "dpl-0b9e6f1c2a7d4e58b3c1d2e3f4a5b6c7",
        "dpl_0b9e6f1c-2a7d-4e58-b3c1-d2e3f4a5b6c7",
        "dpl_0b9e6f1c2a7d4e58b3c1d2e3f4a5b6c7\n",
        " dpl_0b9e6f1c2a7d4e58b3c1d2e3f4a5b6c7",
        "{0b9e6f1c-2a7d-4e58-b3c1-d2e3f4a5b6c7}",
        "urn:uuid:0b9e6f1c-2a7d-4e58-b3c1-d2e3f4a5b6c7",
        "dpl_" + "٠" * 32,
        "dpl_" + "0" * 33,
        "DPL_ZZ9e6f1c2a7d4e58b3c1d2e3f4a5b6c7",
    ],
)
def test_anything_else_is_an_unknown_id(text):
    with pytest.raises(NotFoundError):
        parse_deployment_id(text)


@pytest.mark.parametrize(
    ("tool", "expected"),
    [("acme-crm", "acmecrm"), ("echo", "echo"), ("a.b_c", "abc"), ("x" * 80, "x" * 58), ("Tool", "ool")],
)
def test_a_default_slug_holds_letters_and_digits_only(tool, expected):
    assert default_slug(tool, "acme") == expected


@pytest.mark.parametrize("length", range(2, 21))
def test_a_default_slug_always_fits_its_label(length):
    tenant = "t" * length
    assert len(make_label(tenant, default_slug("x" * 100, tenant))) == 63


def test_a_usable_slug_gives_its_label():
    assert check_slug("acme", "support-bot", ()) == "acme-support-bot"


@pytest.mark.parametrize(
    ("slug", "code"),
    [
        ("Bot", "INVALID_SLUG"),
        ("api", "INVALID_SLUG"),
        ("bot\n", "INVALID_SLUG"),
        ("", "INVALID_SLUG"),
        ("x" * 59, "SUBDOMAIN_TOO_LONG"),
        ("my-proxy", "SUBDOMAIN_RESERVED"),
        ("status-page", "SUBDOMAIN_RESERVED"),
        ("shop", "SUBDOMAIN_RESERVED"),
    ],
)
def test_an_unusable_slug_says_why(slug, code):
    with pytest.raises(InvalidError) as caught:
        check_slug("acme", slug, ("acme-status-page", "ACME-shop.example.com"))
    assert caught.value.code == code
