"""deploy.md 1.1, checks 11 to 15, and 1.4: wizard values and which connection each provider gets."""

from uuid import uuid4

import pytest
from sqlalchemy import select

from app.connections import bindings as binding_rules
from app.connections.models import Binding, Connection, ConnectionStatus, Profile
from app.connections.pools import new_external_id
from app.core.errors import InvalidError
from app.deployments.models import Deployment
from app.deployments.naming import parse_deployment_id
from tests.app.deployments.orders import make_connection, run_sql
from tests.factories import make_deployment, post_deploy


def bound(platform, answer) -> dict[str, Connection]:
    """The connections of an accepted deploy, by provider."""
    assert answer.status_code == 201, answer.text
    with platform.database.transaction() as session:
        statement = (
            select(Binding.provider_slug, Connection)
            .join(Connection, Connection.id == Binding.connection_id)
            .join(Deployment, Deployment.authorization_id == Binding.app_id)
            .where(Deployment.id == parse_deployment_id(answer.json["deploymentId"]))
        )
        return {row[0]: row[1] for row in session.execute(statement)}


def count_connections(platform, workspace) -> int:
    with platform.database.transaction() as session:
        owned = select(Connection.id).where(Connection.tenant_id == workspace.tenant_id)
        return len(session.scalars(owned).all())


INPUTS = [
    {"key": "REGION", "category": "user_required"},
    {"key": "COLOUR", "inputType": "select", "options": [{"label": "Red", "value": "red"}]},
    {"key": "COUNT", "inputType": "number", "validations": {"min": 1, "max": 9}},
    {"key": "LOUD", "inputType": "boolean"},
    {"key": "CODE", "validations": {"pattern": "^[a-z]+$", "maxLength": 3}},
]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"REGION": ""},
        {"REGION": "eu", "COLOUR": "mauve"},
        {"REGION": "eu", "COUNT": "many"},
        {"REGION": "eu", "COUNT": 0},
        {"REGION": "eu", "COUNT": 10},
        {"REGION": "eu", "LOUD": "maybe"},
        {"REGION": "eu", "CODE": "ABC"},
        {"REGION": "eu", "CODE": "abcd"},
        {"REGION": "eu", "PORT": "80"},
        {"REGION": "eu", "VENDO_API_KEY": "mine"},
        {"REGION": "eu", "OPENROUTER_API_KEY": "mine"},
        {"REGION": "eu", "DOMAIN": "mine"},
    ],
)
def test_values_that_the_release_refuses_are_blamed_on_user_variables(workspace, publish, values):
    answer = post_deploy(workspace, publish(userInputs=INPUTS), userVariables=values)
    assert (answer.status_code, list(answer.json["errors"])) == (400, ["userVariables"])
    assert answer.json["message"] == "Invalid request body"


def test_values_that_the_release_takes_are_accepted(workspace, publish):
    values = {"REGION": "eu", "COLOUR": "red", "COUNT": 9, "LOUD": True, "CODE": "abc"}
    assert post_deploy(workspace, publish(userInputs=INPUTS), userVariables=values).status_code == 201


@pytest.mark.parametrize(
    ("databases", "status"), [([], 201), ([{"name": "main", "type": "postgresql"}], 400)]
)
def test_a_database_variable_is_reserved_where_a_database_is_provisioned(
    workspace, publish, databases, status
):
    slug = publish(databases=databases)
    answer = post_deploy(workspace, slug, userVariables={"DATABASE_URL": "postgresql://mine"})
    assert answer.status_code == status
    assert status == 201 or list(answer.json["errors"]) == ["userVariables"]


def test_unknown_providers_are_all_named(workspace, tool):
    answer = post_deploy(workspace, tool, bindings=["nope", "openrouter"])
    assert (answer.status_code, answer.json["code"]) == (400, "UNKNOWN_BINDING")
    assert answer.json["unknown"] == ["nope"]


def test_a_provider_is_unknown_in_any_of_the_three_fields(workspace, tool):
    answer = post_deploy(
        workspace,
        tool,
        bindings=["a-one", "a-one", "openrouter"],
        selectedBindings={"b-two": str(uuid4())},
        pendingBindings={"c-three": {}},
    )
    assert (answer.json["code"], answer.json["unknown"]) == ("UNKNOWN_BINDING", ["a-one", "b-two", "c-three"])


def test_a_disabled_integration_is_unknown(platform, workspace, tool):
    run_sql(platform, "UPDATE integrations SET enabled = false WHERE slug = 'muapi'")
    try:
        answer = post_deploy(workspace, tool, bindings=["muapi"])
    finally:
        run_sql(platform, "UPDATE integrations SET enabled = true WHERE slug = 'muapi'")
    assert (answer.status_code, answer.json["unknown"]) == (400, ["muapi"])


def test_a_selected_connection_is_bound(platform, workspace, tool):
    chosen = make_connection(platform, workspace.tenant_id, "notion")
    answer = post_deploy(workspace, tool, selectedBindings={"notion": str(chosen)})
    assert {slug: row.id for slug, row in bound(platform, answer).items()} == {"notion": chosen}


@pytest.mark.parametrize("form", [str.upper, lambda text: text.replace("-", "")])
def test_a_connection_id_may_be_spelled_in_any_way(platform, workspace, tool, form):
    chosen = make_connection(platform, workspace.tenant_id, "notion")
    answer = post_deploy(workspace, tool, selectedBindings={"notion": form(str(chosen))})
    assert bound(platform, answer)["notion"].id == chosen


def refusal(answer) -> tuple[int, dict]:
    return answer.status_code, {key: value for key, value in answer.json.items() if key != "message"}


def test_an_unknown_connection_is_not_found(workspace, tool):
    answer = post_deploy(workspace, tool, selectedBindings={"notion": str(uuid4())})
    assert refusal(answer) == (404, {"code": "CONNECTION_NOT_FOUND", "provider": "notion"})


def test_another_tenants_connection_is_not_found(platform, workspace, other, tool):
    foreign = make_connection(platform, other.tenant_id, "notion")
    answer = post_deploy(workspace, tool, selectedBindings={"notion": str(foreign)})
    assert refusal(answer) == (404, {"code": "CONNECTION_NOT_FOUND", "provider": "notion"})


def test_a_connection_of_another_provider_is_a_mismatch(platform, workspace, tool):
    linear = make_connection(platform, workspace.tenant_id, "linear")
    answer = post_deploy(workspace, tool, selectedBindings={"notion": str(linear)})
    assert refusal(answer) == (400, {"code": "PROVIDER_MISMATCH", "provider": "notion"})


@pytest.mark.parametrize("status", [item for item in ConnectionStatus if item != ConnectionStatus.ACTIVE])
def test_a_connection_that_is_not_active_is_refused(platform, workspace, tool, status):
    worn = make_connection(platform, workspace.tenant_id, "notion", status=status)
    answer = post_deploy(workspace, tool, selectedBindings={"notion": str(worn)})
    assert refusal(answer) == (400, {"code": "CONNECTION_INACTIVE", "provider": "notion"})


def test_an_exclusive_connection_serves_one_live_deployment(platform, workspace, tool):
    bot = make_connection(platform, workspace.tenant_id, "telegram", Profile.BYOK_STATIC)
    chosen = {"selectedBindings": {"telegram": str(bot)}}
    first = make_deployment(
        platform, workspace, tool, deploymentSlug="one", deploymentName="The One", **chosen
    )
    answer = post_deploy(workspace, tool, deploymentSlug="two", **chosen)
    holder = {"deployment_slug": "one", "deployment_name": "The One"}
    assert refusal(answer) == (409, {"code": "CONNECTION_IN_USE", "provider": "telegram", "bound_to": holder})
    run_sql(platform, "UPDATE deployments SET status = 'destroyed' WHERE id = :id", id=first)
    run_sql(platform, "DELETE FROM app_connection_bindings WHERE connection_id = :id", id=bot)
    assert post_deploy(workspace, tool, deploymentSlug="two", **chosen).status_code == 201


def test_a_shared_connection_serves_many(platform, workspace, tool):
    notion = make_connection(platform, workspace.tenant_id, "notion")
    for slug in ("one", "two"):
        answer = post_deploy(workspace, tool, deploymentSlug=slug, selectedBindings={"notion": str(notion)})
        assert answer.status_code == 201


@pytest.fixture
def demanding(publish) -> str:
    """A tool that requires two providers, of which one has a pool, and may use a third."""
    return publish(
        integrations=[
            {"provider": "notion"},
            {"provider": "openrouter"},
            {"provider": "linear"},
            {"provider": "telegram", "optional": True},
        ]
    )


def test_every_uncovered_required_provider_is_named(workspace, demanding):
    answer = post_deploy(workspace, demanding)
    assert refusal(answer) == (400, {"code": "MISSING_BINDING", "missing": ["notion", "linear"]})


def test_naming_a_required_provider_alone_does_not_cover_it(workspace, demanding):
    answer = post_deploy(workspace, demanding, bindings=["notion", "linear"])
    assert answer.json["missing"] == ["notion", "linear"]


def test_required_and_pooled_providers_are_bound(platform, workspace, demanding):
    chosen = {
        name: str(make_connection(platform, workspace.tenant_id, name)) for name in ("notion", "linear")
    }
    rows = bound(platform, post_deploy(workspace, demanding, selectedBindings=chosen))
    assert set(rows) == {"notion", "linear", "openrouter"}
    assert rows["openrouter"].profile == Profile.MANAGED_POOL


def test_a_pool_connection_is_made_once_per_tenant(platform, workspace, other, tool):
    rows = [
        bound(platform, post_deploy(owner, tool, deploymentSlug=slug, bindings=["openai"]))["openai"]
        for owner, slug in [(workspace, "one"), (workspace, "two"), (other, "one")]
    ]
    assert rows[0].id == rows[1].id != rows[2].id
    assert [row.tenant_id for row in rows] == [workspace.tenant_id, workspace.tenant_id, other.tenant_id]
    assert (rows[0].status, rows[0].provider_slug) == ("active", "openai")


def test_a_selection_beats_the_pool(platform, workspace, tool):
    own = make_connection(platform, workspace.tenant_id, "openai", Profile.BYOK_STATIC)
    answer = post_deploy(workspace, tool, bindings=["openai"], selectedBindings={"openai": str(own)})
    assert bound(platform, answer)["openai"].id == own


def test_an_optional_provider_without_a_credential_is_left_unbound(platform, workspace, demanding, tool):
    assert bound(platform, post_deploy(workspace, tool, bindings=["telegram", "notion"])) == {}


def test_repeated_bindings_collapse(platform, workspace, tool):
    answer = post_deploy(workspace, tool, bindings=["openai"] * 100)
    assert set(bound(platform, answer)) == {"openai"}


@pytest.mark.parametrize("provider", ["slack", "notion", "openai"])
def test_a_provider_without_inline_connect_says_so(platform, workspace, tool, provider):
    answer = post_deploy(workspace, tool, pendingBindings={provider: {"token": "hunter2"}})
    assert (answer.status_code, answer.json) == (400, {"error": "no_inline_connect", "provider": provider})
    assert count_connections(platform, workspace) == 0


@pytest.fixture
def inline(monkeypatch):
    """An inline connect for telegram that takes every token but `bad`."""

    def connect(tenant_id, credential) -> Connection:
        if credential.get("token") == "bad":
            raise InvalidError("Not Found", token="telegram_connect_failed")
        return Connection(
            tenant_id=tenant_id,
            external_id=new_external_id(),
            provider_slug="telegram",
            profile=Profile.BYOK_STATIC,
            status=ConnectionStatus.ACTIVE,
            display_name="bot",
        )

    monkeypatch.setitem(binding_rules.INLINE_CONNECTS, "telegram", connect)


def test_an_inline_connect_is_stored_and_bound(platform, workspace, tool, inline):
    answer = post_deploy(workspace, tool, pendingBindings={"telegram": {"token": "good"}})
    assert bound(platform, answer)["telegram"].display_name == "bot"


def test_a_refused_inline_connect_leaves_nothing(platform, workspace, tool, inline):
    answer = post_deploy(workspace, tool, bindings=["openai"], pendingBindings={"telegram": {"token": "bad"}})
    assert (answer.status_code, answer.json) == (
        400,
        {"error": "telegram_connect_failed", "message": "Not Found"},
    )
    assert count_connections(platform, workspace) == 0


def test_a_selection_beats_a_pending_credential(platform, workspace, tool, inline):
    own = make_connection(platform, workspace.tenant_id, "telegram", Profile.BYOK_STATIC)
    answer = post_deploy(
        workspace,
        tool,
        selectedBindings={"telegram": str(own)},
        pendingBindings={"telegram": {"token": "bad"}},
    )
    assert bound(platform, answer)["telegram"].id == own
