import pytest

from app.catalog.models import Tool
from app.catalog.publishing import CatalogFlags
from app.catalog.releases import UnreleasedError
from app.catalog.tools import get_deployable_tool, get_tool, is_internal, list_catalog, list_deployable
from app.core.errors import InvalidError, NotFoundError
from app.identity.principals import Principal
from tests.factories import Workspace, make_workspace, unique


def principal_of(workspace: Workspace, is_admin: bool = False) -> Principal:
    return Principal(workspace.user_id, workspace.email, "", is_admin, workspace.user_id)


@pytest.fixture
def stranger(workspace) -> Principal:
    return principal_of(workspace)


@pytest.fixture
def admin(workspace) -> Principal:
    return principal_of(workspace, is_admin=True)


@pytest.fixture
def edit(platform, slug):
    """Change columns of the published tool."""

    def run(**columns):
        with platform.database.transaction() as session:
            tool = session.query(Tool).filter_by(slug=slug).one()
            for name, value in columns.items():
                setattr(tool, name, value)

    return run


def seen(session, principal, slug):
    """Whether the caller finds the tool in (catalog, deployable)."""
    lists = list_catalog(session, principal), list_deployable(session, principal)
    return tuple(any(item.tool.slug == slug for item in listed) for listed in lists)


def deploys(session, principal, slug):
    try:
        return get_deployable_tool(session, principal, slug)[1].version
    except (NotFoundError, InvalidError, UnreleasedError) as error:
        return error.token or error.code or error.message


@pytest.mark.parametrize(
    ("columns", "for_all", "for_admins", "deployed"),
    [
        ({}, (True, True), (True, True), "1.0.0"),
        ({"enabled": False}, (False, False), (True, True), "tool_unreleased"),
        ({"marketing": {"internal": True}}, (False, False), (True, True), "1.0.0"),
        ({"marketing": {"internal": "true"}}, (False, False), (True, True), "1.0.0"),
        ({"marketing": {"internal": "no"}}, (True, True), (True, True), "1.0.0"),
        ({"tool_type": "npm"}, (True, False), (True, False), "TOOL_NOT_DEPLOYABLE"),
        ({"tool_type": "downloadable"}, (True, False), (True, False), "TOOL_NOT_DEPLOYABLE"),
        ({"tool_type": "internal"}, (False, False), (True, False), "TOOL_NOT_DEPLOYABLE"),
    ],
)
def test_a_column_decides_who_sees_and_deploys(
    publish, edit, session, slug, stranger, admin, columns, for_all, for_admins, deployed
):
    publish("1.0.0")
    edit(**columns)
    assert seen(session, None, slug) == for_all
    assert seen(session, stranger, slug) == for_all
    assert seen(session, admin, slug) == for_admins
    assert deploys(session, stranger, slug) == deployed


def test_a_tool_without_an_active_release_is_listed_and_never_deployable(
    publish, session, slug, stranger, admin
):
    publish("1.0.0", activate=False)
    assert seen(session, stranger, slug) == (True, False)
    assert seen(session, admin, slug) == (True, False)
    assert deploys(session, admin, slug) == "tool_unreleased"


def test_an_owned_internal_tool_is_for_its_members_and_admins(
    publish, app, platform, workspace, session, slug, stranger, admin
):
    owner = make_workspace(app, platform)
    publish("1.0.0", flags=CatalogFlags(owner_tenant_id=owner.tenant_id))
    assert seen(session, principal_of(owner), slug) == (False, True)
    assert deploys(session, principal_of(owner), slug) == "1.0.0"
    assert seen(session, stranger, slug) == (False, False)
    assert deploys(session, stranger, slug) == "Tool not found"
    assert deploys(session, admin, slug) == "1.0.0"


def test_an_owner_of_a_public_tool_restricts_nobody(publish, app, platform, edit, session, slug, stranger):
    owner = make_workspace(app, platform)
    publish("1.0.0")
    edit(owner_tenant_id=owner.tenant_id)
    assert deploys(session, stranger, slug) == "1.0.0"


def test_a_disabled_tool_is_still_deployed_by_an_admin(publish, edit, session, slug, admin):
    publish("1.0.0")
    edit(enabled=False)
    assert deploys(session, admin, slug) == "1.0.0"


def test_an_internal_tool_answers_to_its_slug_and_a_disabled_one_to_admins_only(
    publish, edit, session, slug, admin
):
    publish(flags=CatalogFlags(is_internal=True))
    assert is_internal(get_tool(session, None, slug).tool)
    edit(enabled=False)
    session.expire_all()
    assert get_tool(session, admin, slug).tool.slug == slug
    with pytest.raises(NotFoundError, match="Tool not found"):
        get_tool(session, None, slug)


@pytest.mark.parametrize("bad", ["nope", "", "A B", "../x", "x" * 500, "%"])
def test_a_slug_that_is_none_is_simply_not_found(session, stranger, bad):
    with pytest.raises(NotFoundError):
        get_tool(session, None, bad)
    assert deploys(session, stranger, bad) == "Tool not found"


def test_test_tools_are_for_admins(publish, edit, platform, session, slug, stranger, admin):
    publish("1.0.0")
    hidden = unique("vendo-test-")
    edit(slug=hidden)
    assert seen(session, stranger, hidden) == (False, False)
    assert seen(session, admin, hidden) == (True, True)
    edit_back = session.query(Tool).filter_by(slug=hidden).one()
    edit_back.slug = slug
    session.commit()
