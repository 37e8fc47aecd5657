"""manifest.md 7: every variable that containers receive without listing it, and every placeholder."""

import dataclasses

import pytest

from app.deployments.models import EnvKind
from app.deployments.resolve import database_address
from tests.app.deployments.resolved import ADMIN, INPUTS, POSTGRES, service


def test_every_tool_is_told_who_and_where_it_is(resolve, workspace):
    run = resolve()
    env, deployment = run.env(), run.parties.deployment
    assert env.pop("VENDO_API_KEY") == env.pop("VENDO_DEPLOYMENT_TOKEN")
    assert env.pop("VENDO_WEBHOOK_SECRET").startswith("whsec_")
    assert env == {
        "VENDO_TENANT_ID": str(workspace.tenant_id),
        "VENDO_DEPLOYMENT_ID": str(deployment.id),
        "VENDO_DEPLOYMENT_SLUG": "crm",
        "DOMAIN": f"{workspace.slug}-crm.apps.example.com",
        "SUBDOMAIN": f"{workspace.slug}-crm",
        "VENDO_API_URL": "http://localhost:8080",
        "VENDO_BASE_URL": "http://localhost:8080",
        "VENDO_CREDENTIALS_URL": "http://credentials.apps.example.com:8080",
        "VENDO_DATA_PROXY_URL": "http://composio-proxy.apps.example.com:8080",
        "VENDO_AUTH": "1",
    }
    assert {row.kind for row in run.rows.values()} == {EnvKind.SYSTEM}


def test_path_routing_changes_the_urls(start):
    run = start()
    run.platform = dataclasses.replace(
        run.platform, settings=dataclasses.replace(run.platform.settings, routing="path")
    )
    run.resolve()
    env = run.env()
    assert env["VENDO_CREDENTIALS_URL"] == "http://localhost:8080/credentials"
    assert env["VENDO_DATA_PROXY_URL"] == "http://localhost:8080/proxy/composio"


def test_a_tool_without_the_platforms_sign_in_is_told_nothing_of_it(resolve):
    assert "VENDO_AUTH" not in resolve(vendoAuth=False).env()


def test_a_database_comes_with_seven_variables(resolve):
    run = resolve(databases=POSTGRES)
    env = run.env()
    address = database_address(run.platform.settings, run.parties)
    password = env["DATABASE_PASSWORD"]
    assert address.name == address.role == f"berth_{run.parties.deployment.id.hex}"
    url = f"postgresql://{address.role}:{password}@10.9.0.1:5432/{address.name}"
    assert (env["DATABASE_URL"], env["DATABASE_URL_UNPOOLED"]) == (url, url)
    assert (env["DATABASE_HOST"], env["DATABASE_PORT"]) == ("10.9.0.1", "5432")
    assert (env["DATABASE_USER"], env["DATABASE_NAME"]) == (address.role, address.name)
    assert len(password) == 32


def test_without_a_database_there_is_no_such_variable(resolve):
    assert not [key for key in resolve().env() if key.startswith("DATABASE")]


@pytest.mark.parametrize(
    ("body", "email", "password"),
    [
        ({}, None, None),
        ({"adminPassword": "s3cret"}, None, "s3cret"),
        ({"userVariables": {"ADMIN_EMAIL": "boss@acme.example"}}, "boss@acme.example", None),
    ],
)
def test_a_bootstrap_admin_is_named(resolve, workspace, body, email, password):
    env = resolve(body, adminBootstrap=ADMIN).env()
    assert env["ADMIN_EMAIL"] == (email or workspace.email)
    assert env["ADMIN_PASSWORD"] == password if password else len(env["ADMIN_PASSWORD"]) == 24


@pytest.mark.parametrize("bootstrap", [None, {"authMode": "no_auth"}])
def test_without_a_bootstrap_admin_nobody_is_named(resolve, bootstrap):
    env = resolve({"adminPassword": "s3cret"}, adminBootstrap=bootstrap).env()
    assert not {"ADMIN_EMAIL", "ADMIN_PASSWORD"} & set(env)


def test_common_placeholders_are_filled(resolve, workspace):
    run = resolve(
        services=[
            service(
                HOST="${domain}",
                LABEL="x-${subdomain}-y",
                KEY="${vendo_api_key}",
                IDS="${vendo_tenant_id}/${vendo_deployment_id}/${vendo_deployment_slug}",
                PROXIES="${vendo_proxy_url} ${openai_proxy_url} ${anthropic_proxy_url}",
                ESCAPED="$${domain}",
                PLAIN="$HOME",
                NUMBER=5,
                FLAG=True,
            )
        ]
    )
    env, label = run.env(), f"{workspace.slug}-crm"
    assert (env["HOST"], env["LABEL"]) == (f"{label}.apps.example.com", f"x-{label}-y")
    assert env["KEY"] == env["VENDO_API_KEY"]
    assert env["IDS"] == f"{workspace.tenant_id}/{run.parties.deployment.id}/crm"
    assert env["PROXIES"].split() == [
        "http://openrouter-proxy.apps.example.com:8080/v1",
        "http://openai-proxy.apps.example.com:8080/v1",
        "http://anthropic-proxy.apps.example.com:8080",
    ]
    assert (env["ESCAPED"], env["PLAIN"]) == ("${domain}", "$HOME")
    assert (env["NUMBER"], env["FLAG"]) == ("5", "true")


def test_database_and_admin_placeholders_are_filled(resolve, workspace):
    names = ["url", "url_unpooled", "host", "port", "user", "password", "name"]
    wanted = {f"MY_{name.upper()}": f"${{database_{name}}}" for name in names}
    admin = {"WHO": "${admin_email}", "PASS": "${admin_password}", "TEAM": "${admin_workspace_name}"}
    run = resolve(databases=POSTGRES, adminBootstrap=ADMIN, services=[service(**wanted, **admin)])
    env = run.env()
    assert {env[f"MY_{name.upper()}"] == env[f"DATABASE_{name.upper()}"] for name in names} == {True}
    assert (env["WHO"], env["PASS"]) == (env["ADMIN_EMAIL"], env["ADMIN_PASSWORD"])
    assert env["TEAM"] == workspace.slug.title()


def test_declared_secrets_are_filled(resolve):
    secrets = {"app_secret": {"type": "random_hex", "length": 16}, "ident": {"type": "uuid"}}
    env = resolve(secrets=secrets, services=[service(A="${app_secret}", B="${ident}")]).env()
    assert len(env["A"]) == 32
    assert len(env["B"]) == 36


def test_a_secret_may_have_the_name_of_one_of_berths(resolve):
    secrets = {"webhook_secret": {"type": "random_hex", "length": 16}}
    env = resolve(secrets=secrets, services=[service(HOOK="${webhook_secret}")]).env()
    assert len(bytes.fromhex(env["HOOK"])) == 16
    assert env["VENDO_WEBHOOK_SECRET"].startswith("whsec_")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {"ZONE": "UTC", "DEPTH": "3", "LINE": "UTC//3"}),
        ({"ZONE": "CET", "TITLE": "x"}, {"ZONE": "CET", "TITLE": "x", "DEPTH": "3", "LINE": "CET/x/3"}),
        ({"ZONE": ""}, {"ZONE": "", "DEPTH": "3", "LINE": "//3"}),
    ],
)
def test_inputs_are_variables_and_placeholders(resolve, values, expected):
    run = resolve(
        {"userVariables": values}, userInputs=INPUTS, services=[service(LINE="${ZONE}/${TITLE}/${DEPTH}")]
    )
    env = run.env()
    assert {key: env[key] for key in ("ZONE", "TITLE", "DEPTH", "LINE") if key in env} == expected
    assert {run.rows["", key].kind for key in ("ZONE", "DEPTH")} == {EnvKind.USER}


def test_an_input_wins_over_a_literal_of_the_same_name(resolve):
    run = resolve(
        {"userVariables": {"ZONE": "CET"}}, userInputs=INPUTS, services=[service(ZONE="GMT", TITLE="none")]
    )
    assert (run.env()["ZONE"], run.env()["TITLE"]) == ("CET", "none")


def test_a_literal_belongs_to_its_service(resolve):
    run = resolve(services=[service(ROLE="front"), service("jobs", "worker", ROLE="back", ONLY="jobs")])
    assert (run.env("web")["ROLE"], run.env("jobs")["ROLE"]) == ("front", "back")
    assert "ONLY" not in run.env("web")


def test_a_bound_provider_brings_its_variables(resolve):
    run = resolve({"bindings": ["openai"]})
    env = run.env()
    assert env["OPENAI_API_KEY"] == env["VENDO_API_KEY"]
    assert env["OPENAI_BASE_URL"] == "http://openai-proxy.apps.example.com:8080/v1"
    assert {run.rows["", key].kind for key in ("OPENAI_API_KEY", "OPENAI_BASE_URL")} == {EnvKind.INTEGRATION}


def test_secrets_are_marked_and_addresses_are_not(resolve):
    run = resolve(
        {"bindings": ["openai"]},
        databases=POSTGRES,
        adminBootstrap=ADMIN,
        secrets={"app_secret": {"type": "uuid"}},
        services=[service(A="${app_secret}", B="${domain}", C="plain")],
    )
    marked = {key for (_, key), row in run.rows.items() if row.is_secret}
    assert marked == {
        "VENDO_API_KEY",
        "VENDO_DEPLOYMENT_TOKEN",
        "VENDO_WEBHOOK_SECRET",
        "DATABASE_URL",
        "DATABASE_URL_UNPOOLED",
        "DATABASE_PASSWORD",
        "ADMIN_PASSWORD",
        "OPENAI_API_KEY",
        "A",
    }
