"""`flask billing`: exact, repeatable, and clear when it refuses."""

import secrets

import pytest
from click.testing import Result
from flask import Flask

from app.core.platform import Platform
from app.identity.models import Tenant
from tests.factories import make_tenant, make_user


@pytest.fixture
def tenant(app: Flask, platform: Platform) -> Tenant:
    return make_tenant(platform, make_user(platform))


def run(app: Flask, *args: str) -> Result:
    return app.test_cli_runner().invoke(args=["billing", *args])


def test_a_grant_is_exact_to_the_micro(app: Flask, tenant: Tenant) -> None:
    assert run(app, "grant", tenant.slug, "0.1", "--note", "x").exit_code == 0
    result = run(app, "grant", tenant.slug, "0.200001", "--note", "x")
    assert result.output == f"{tenant.slug}: 0.300001 USD\n"


def test_a_grant_repeated_with_its_key_counts_once(app: Flask, tenant: Tenant) -> None:
    key = secrets.token_hex(8)
    for _ in range(2):
        result = run(app, "grant", str(tenant.id), "5", "--note", "x", "--key", key)
        assert result.output == f"{tenant.slug}: 5.000000 USD\n"


def test_show_says_what_a_workspace_has(app: Flask, tenant: Tenant) -> None:
    line = f"{tenant.slug}: 0.000000 USD, 0.000000 held, billing not set up\n"
    assert run(app, "show", tenant.slug).output == line
    run(app, "grant", tenant.slug, "12.5", "--note", "x")
    line = f"{tenant.slug}: 12.500000 USD, 0.000000 held, billing set up\n"
    assert run(app, "show", str(tenant.id)).output == line


@pytest.mark.parametrize("usd", ["-5", "0", "1e3", "5,00", "0.0000001", "nan", "1000000"])
def test_an_amount_that_is_not_plain_is_refused(app: Flask, tenant: Tenant, usd: str) -> None:
    assert run(app, "grant", "--note", "x", "--", tenant.slug, usd).exit_code != 0
    assert "0.000000 USD" in run(app, "show", tenant.slug).output


def test_an_unknown_workspace_is_named(app: Flask) -> None:
    result = run(app, "show", "nobody-here")
    assert (result.exit_code, result.output) == (1, "Error: no workspace 'nobody-here'\n")
