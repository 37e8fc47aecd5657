import pytest

from app.catalog.placeholders import (
    BUILT_IN_PLACEHOLDERS,
    PLATFORM_VARIABLES,
    find_placeholders,
    known_placeholders,
    render,
    reserved_variables,
)
from tests.app.catalog.manifests import mailroom


def test_names_are_found_in_order_and_escapes_ask_for_nothing():
    assert find_placeholders("${a}-$${b}-${c}${a}") == ["a", "c", "a"]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain $HOME", "plain $HOME"),
        ("https://${domain}/x", "https://a.example/x"),
        ("$${domain}", "${domain}"),
        ("$$${domain}", "$${domain}"),
        ("${domain", "${domain"),
        ("${domain}${domain}", "a.examplea.example"),
        ("{}${empty}.", "{}."),
    ],
)
def test_render_fills_names_and_unescapes(text, result):
    assert render(text, {"domain": "a.example", "empty": ""}) == result


def test_a_value_is_never_rendered_again():
    assert render("${a}", {"a": "${b}", "b": "x"}) == "${b}"


def test_an_unknown_name_raises():
    with pytest.raises(KeyError):
        render("${nope}", {})


def test_known_names_follow_what_is_requested():
    names = known_placeholders(mailroom())
    assert {"domain", "vendo_api_key", "database_url", "app_secret", "TIMEZONE"} <= names
    assert not names & {"redis_url", "r2_bucket", "admin_email"}


def test_everything_requested_makes_every_built_in_known():
    databases = [{"name": "a", "type": "postgresql"}, {"name": "b", "type": "redis"}]
    manifest = mailroom(databases=databases, r2Storage=True, adminBootstrap={"authMode": "manual_setup"})
    assert known_placeholders(manifest) >= BUILT_IN_PLACEHOLDERS


def test_reserved_variables_are_those_that_apply():
    reserved = reserved_variables(mailroom(), {"TELEGRAM_BOT_TOKEN"})
    assert {
        "VENDO_API_KEY",
        "PORT",
        "DATABASE_URL",
        "DATABASE_URL_UNPOOLED",
        "TELEGRAM_BOT_TOKEN",
    } <= reserved
    assert not reserved & {"REDIS_URL", "R2_BUCKET", "TIMEZONE", "SECRET"}
    assert "DATABASE_URL" not in reserved_variables(mailroom(databases=[]))


def test_the_admin_email_may_be_sent_but_not_the_password():
    reserved = reserved_variables(mailroom(adminBootstrap={"authMode": "manual_setup"}))
    assert "ADMIN_PASSWORD" in reserved
    assert "ADMIN_EMAIL" not in reserved


def test_both_spellings_of_the_storage_keys_are_platform_variables():
    assert {
        "R2_ACCESS_KEY",
        "R2_ACCESS_KEY_ID",
        "R2_SECRET_KEY",
        "R2_SECRET_ACCESS_KEY",
    } <= PLATFORM_VARIABLES
