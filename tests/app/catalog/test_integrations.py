import re
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from app.catalog.integrations import (
    find_integration,
    get_integration,
    list_enabled_slugs,
    list_integrations,
    list_variable_names,
    seed_integrations,
    seed_rows,
)
from app.catalog.logo_files import FOLDER
from app.catalog.manifest_schema import PROFILES
from app.catalog.models import Integration
from app.core.errors import NotFoundError

POOL = {"openai", "anthropic", "openrouter", "gemini", "elevenlabs", "assemblyai", "muapi"}


def row(slug):
    return next(item for item in seed_rows() if item["slug"] == slug)


def names(slug):
    return [entry["name"] for entry in row(slug)["env_vars"]]


def test_every_provider_of_the_contract_is_there_once():
    slugs = [item["slug"] for item in seed_rows()]
    assert len(slugs) == len(set(slugs))
    others = {"telegram", "notion", "linear", "slack", "github", "google", "instagram", "supabase"}
    assert set(slugs) == POOL | others


@pytest.mark.parametrize("slug", sorted(POOL))
def test_a_pool_provider_injects_key_and_base_url(slug):
    assert row(slug)["default_profile"] == "vendo_managed_pool"
    assert names(slug) == [f"{slug.upper()}_API_KEY", f"{slug.upper()}_BASE_URL"]


def test_declared_variables_are_the_contracts():
    assert names("telegram") == [
        "TELEGRAM_BOT_TOKEN",
        "TELEGRAM_BOT_ID",
        "TELEGRAM_BOT_USERNAME",
        "TELEGRAM_SIGNING_SECRET",
    ]
    assert names("notion") == ["NOTION_TOKEN", "NOTION_API_TOKEN"]
    assert names("instagram") == ["INSTAGRAM_ACCESS_TOKEN"]
    assert names("supabase") == ["SUPABASE_ACCESS_TOKEN"]


def test_only_telegram_is_exclusive():
    assert [item["slug"] for item in seed_rows() if item["exclusive"]] == ["telegram"]


def test_the_anthropic_bootstrap_is_the_contracts_example():
    assert row("anthropic")["env_bootstrap"] == {
        "vars": [{"name": "ANTHROPIC_API_KEY", "value_from": "credential.vendo_sk"}],
        "restart": "gateway",
    }


@pytest.mark.parametrize("item", seed_rows(), ids=lambda item: item["slug"])
def test_a_seed_row_is_well_formed(item):
    assert item["default_profile"] in item["supported_profiles"]
    assert set(item["supported_profiles"]) <= set(PROFILES)
    assert re.fullmatch(r"#[0-9A-F]{6}", item["brand_color"])
    assert item["docs_url"].startswith("https://")
    assert (FOLDER / Path(item["logo_url"]).name).is_file()
    for entry in item["env_vars"]:
        assert re.fullmatch(r"(credential|metadata)\.[a-z_.]+", entry["value_from"])


def test_seeding_twice_changes_nothing_and_keeps_an_operators_edits(session):
    seed_integrations(session)
    before = {item.slug: item.id for item in list_integrations(session, include_disabled=True)}
    notion = session.scalar(select(Integration).where(Integration.slug == "notion"))
    notion.enabled, notion.featured, notion.name = False, True, "Old name"
    notion.oauth_client_config = {"authorize_url": "https://own.example.com"}
    session.flush()
    seed_integrations(session)
    session.expire_all()
    notion = session.get(Integration, notion.id)
    assert (notion.enabled, notion.featured, notion.name) == (False, True, "Notion")
    assert notion.oauth_client_config == {"authorize_url": "https://own.example.com"}
    assert {item.slug: item.id for item in list_integrations(session, include_disabled=True)} == before


def test_a_disabled_integration_is_found_by_nobody(session):
    seed_integrations(session)
    session.scalar(select(Integration).where(Integration.slug == "slack")).enabled = False
    session.flush()
    assert find_integration(session, "slack") is None
    assert "slack" not in list_enabled_slugs(session)
    with pytest.raises(NotFoundError):
        get_integration(session, "slack")
    assert get_integration(session, "notion").name == "Notion"


def test_variable_names_are_those_of_the_named_providers(session):
    seed_integrations(session)
    assert list_variable_names(session, ["openai", "notion", "nope"]) == {
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "NOTION_TOKEN",
        "NOTION_API_TOKEN",
    }
    assert list_variable_names(session, []) == set()


def test_an_absent_value_is_null_in_the_table(session):
    session.execute(delete(Integration).where(Integration.slug == "unused-seed"))
    seed_integrations(session, [{**row("slack"), "slug": "unused-seed"}])
    found = select(Integration.slug).where(
        Integration.slug == "unused-seed", Integration.env_bootstrap.is_(None)
    )
    assert session.scalar(found) == "unused-seed"
