from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from app.catalog.models import Tool, ToolRelease, ToolTemplate
from app.catalog.publishing import CatalogFlags, ManifestError, Publication, digest_of, publish_tool
from app.catalog.releases import activate_release, find_active_release, get_template, list_releases
from app.catalog.tools import make_public, require_tool, set_enabled, set_marketing
from app.core.errors import ConflictError, NotFoundError
from tests.app.catalog.manifests import IMAGE, mailroom, web


def active_version(session, slug):
    release = find_active_release(session, require_tool(session, slug).id)
    return release.version if release else None


def test_a_first_publish_makes_the_row_the_release_and_the_template(publish, session, slug):
    done = publish("1.0.0")
    tool = require_tool(session, slug)
    release = find_active_release(session, tool.id)
    assert (done.active_before, done.active_now, done.is_unchanged) == (None, "1.0.0", False)
    assert (tool.name, tool.enabled, tool.featured) == ("Mailroom", True, False)
    assert (tool.category, tool.usage_category, tool.tool_type) == ("other", "compute_general", "deployment")
    assert release.requires == mailroom()["integrations"]
    assert release.wizard_inputs[0]["type"] == "string"
    assert get_template(session, slug, "1.0.0").manifest["slug"] == slug


def test_the_catalog_block_makes_the_row_and_is_not_stored(publish, session, slug):
    publish(
        catalog={"featured": True, "category": "mail", "marketing": {"monthlyCost": "$3"}, "auth_mode": "x"}
    )
    tool = require_tool(session, slug)
    assert (tool.featured, tool.category, tool.auth_mode) == (True, "mail", "x")
    assert tool.marketing == {"monthlyCost": "$3"}
    assert "catalog" not in get_template(session, slug, "1.0.0").manifest


def test_a_later_catalog_block_leaves_the_row_alone(publish, session, slug):
    publish("1.0.0")
    publish("1.1.0", catalog={"featured": True})
    assert require_tool(session, slug).featured is False


def test_a_newer_version_replaces_the_active_one(publish, session, slug):
    publish("1.0.0")
    done = publish("1.1.0")
    assert (done.active_before, done.active_now) == ("1.0.0", "1.1.0")
    states = {item.version: item.status for item in list_releases(session, require_tool(session, slug))}
    assert states == {"1.0.0": "inactive", "1.1.0": "active"}


def test_the_same_content_again_changes_nothing(publish, session, slug):
    publish("1.0.0")
    assert publish("1.0.0", catalog={"featured": True}).is_unchanged
    assert len(list_releases(session, require_tool(session, slug))) == 1


def test_other_content_under_a_published_version_is_refused(publish, session, slug):
    publish("1.0.0")
    with pytest.raises(ConflictError) as caught:
        publish("1.0.0", description="edited")
    assert str(caught.value) == f"{slug} 1.0.0 is published with other content; cut a new version"
    assert "description" not in get_template(session, slug, "1.0.0").manifest


def test_a_stored_template_can_be_neither_changed_nor_deleted(publish, session, slug):
    publish("1.0.0")
    for statement in ("UPDATE tool_templates SET sha256 = 'x'", "DELETE FROM tool_templates"):
        with pytest.raises(DatabaseError):
            session.execute(text(f"{statement} WHERE slug = :slug"), {"slug": slug})
        session.rollback()


def test_a_lower_version_needs_leave(publish, platform, session, slug):
    publish("1.1.0")
    with pytest.raises(ConflictError, match=r"1\.0\.0 is lower than the active 1\.1\.0"):
        publish("1.0.0")
    assert session.get(ToolTemplate, (slug, "1.0.0")) is None
    document = mailroom(slug=slug, version="1.0.0")
    publish_tool(session, platform.cache, Publication(document, allow_downgrade=True))
    assert active_version(session, slug) == "1.0.0"


def test_an_inactive_release_waits_until_it_is_activated(publish, platform, session, slug):
    publish("1.0.0")
    done = publish("1.1.0", activate=False)
    assert (done.active_before, done.active_now) == ("1.0.0", "1.0.0")
    tool = require_tool(session, slug)
    assert activate_release(session, platform.cache, tool, "1.1.0") == "1.0.0"
    assert active_version(session, slug) == "1.1.0"


def test_a_release_that_was_active_is_not_activated_again(publish, platform, session, slug):
    publish("1.0.0")
    publish("1.1.0")
    tool = require_tool(session, slug)
    with pytest.raises(ConflictError, match="was active before"):
        activate_release(session, platform.cache, tool, "1.0.0", allow_downgrade=True)
    with pytest.raises(ConflictError, match="already active"):
        activate_release(session, platform.cache, tool, "1.1.0")
    with pytest.raises(NotFoundError):
        activate_release(session, platform.cache, tool, "9.9.9")


def test_a_lower_stored_release_needs_leave_to_be_activated(publish, platform, session, slug):
    publish("1.0.0", activate=False)
    publish("1.1.0")
    tool = require_tool(session, slug)
    with pytest.raises(ConflictError, match="--allow-downgrade"):
        activate_release(session, platform.cache, tool, "1.0.0")
    assert activate_release(session, platform.cache, tool, "1.0.0", allow_downgrade=True) == "1.1.0"


def test_the_index_refuses_two_active_releases(publish, session, slug):
    publish("1.0.0")
    publish("1.1.0")
    statement = text("UPDATE tool_releases SET status = 'active' WHERE tool_id = :id")
    tool_id = require_tool(session, slug).id
    with pytest.raises(IntegrityError):
        session.execute(statement, {"id": tool_id})


def test_publishers_of_one_tool_wait_for_each_other(publish, platform, session, slug):
    versions = [f"1.0.{patch}" for patch in range(6)]

    def run(version: str) -> bool:
        try:
            publish(version)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(run, versions))
    tool = require_tool(session, slug)
    actives = select(func.count()).where(ToolRelease.tool_id == tool.id, ToolRelease.status == "active")
    assert session.scalar(actives) == 1
    assert active_version(session, slug) == "1.0.5"
    assert results.count(True) == len(list_releases(session, tool))


def test_the_same_version_published_at_once_is_stored_once(publish, session, slug):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: publish("1.0.0").is_unchanged, range(4)))
    assert sorted(results) == [False, True, True, True]


def test_an_invalid_manifest_writes_nothing(publish, session, slug):
    with pytest.raises(ManifestError) as caught:
        publish(services=[web(role="boss")], integrations=[{"provider": "nope"}])
    assert "/services/0/role must be one of web, worker, cron, init" in caught.value.problems
    assert "/integrations/0/provider nope is not an enabled integration" in caught.value.problems
    assert session.scalar(select(Tool).where(Tool.slug == slug)) is None


def test_integrations_are_never_carried_over(publish, session, slug):
    publish("1.0.0")
    publish("1.1.0", integrations=[])
    assert find_active_release(session, require_tool(session, slug).id).requires == []


def test_earlier_versions_that_are_not_listed_are_warned_of(publish):
    publish("1.0.0")
    assert publish("1.1.0").warnings == ["/previousVersions does not list 1.0.0"]
    assert publish("1.2.0", previousVersions=["1.0.0", "1.1.0"]).warnings == []


def test_free_pricing_beside_integrations_is_warned_of(publish):
    done = publish(flags=CatalogFlags(marketing={"pricing": "free"}))
    assert done.warnings == ["pricing is free, yet the integrations are billed"]


def test_a_source_is_stored_with_its_commit_and_compared_as_written(publish, platform, session, slug):
    service = [{"name": "web", "role": "web"}]
    source = {"repo": "https://git.example.com/a/b", "ref": "main"}
    document = mailroom(slug=slug, services=service, serviceStartOrder=None, source=source)
    first = Publication(document, source_commit="c" * 40)
    publish_tool(session, platform.cache, first)
    stored = get_template(session, slug, document["version"])
    assert stored.manifest["source"] == {**source, "ref": "c" * 40}
    assert stored.sha256 == digest_of(document)
    release = find_active_release(session, require_tool(session, slug).id)
    assert release.source_repo == "https://git.example.com/a/b"


def test_an_owner_makes_the_tool_internal(publish, workspace, session, slug):
    publish(flags=CatalogFlags(owner_tenant_id=workspace.tenant_id))
    tool = require_tool(session, slug)
    assert (tool.owner_tenant_id, tool.marketing) == (workspace.tenant_id, {"internal": True})


def test_new_marketing_keeps_an_internal_tool_internal(publish, platform, session, slug):
    publish(flags=CatalogFlags(is_internal=True))
    tool = require_tool(session, slug)
    set_marketing(session, platform.cache, tool, {"savings": "all"})
    assert tool.marketing == {"savings": "all", "internal": True}
    make_public(session, platform.cache, tool)
    assert tool.marketing == {"savings": "all"}


def test_flags_set_the_columns_they_name(publish, platform, session, slug):
    publish(flags=CatalogFlags(enabled=False, category="mail", icon_url="/logos/tool.svg"))
    tool = require_tool(session, slug)
    assert (tool.enabled, tool.category, tool.icon_url) == (False, "mail", "/logos/tool.svg")
    set_enabled(session, platform.cache, tool, True)
    assert tool.enabled is True


def test_digests_do_not_depend_on_key_order_or_the_catalog_block():
    document = mailroom()
    turned = dict(reversed(document.items()))
    assert digest_of(document) == digest_of(turned) == digest_of({**document, "catalog": {"featured": True}})
    assert digest_of(document) != digest_of({**document, "services": [web(image=IMAGE + "x")]})
