"""What `resolve_env` refuses, and what a second run of it keeps."""

import dataclasses

import pytest

from app.core.errors import InvalidError
from app.deployments.env import write_env
from app.deployments.rollout import collect_secrets
from tests.app.deployments.resolved import ADMIN, INPUTS, POSTGRES, service


def test_every_empty_required_variable_is_named(start):
    run = start(
        {"userVariables": {"ZONE": "", "TITLE": "x"}},
        userInputs=INPUTS,
        requiredEnv=["ZONE", "TITLE", "NOWHERE", "DOMAIN", "EMPTY"],
        services=[service(EMPTY="")],
    )
    with pytest.raises(InvalidError) as caught:
        run.resolve()
    assert str(caught.value) == "Required variables are empty: ZONE, NOWHERE, EMPTY"


def test_required_variables_of_the_platform_are_there(resolve):
    required = ["VENDO_API_KEY", "DATABASE_URL", "PORT", "SUBDOMAIN"]
    assert resolve(databases=POSTGRES, requiredEnv=required).env()["DATABASE_URL"]


def test_a_sign_in_that_is_switched_off_is_withdrawn(resolve):
    run = resolve()
    run.parties.deployment.vendo_auth_override = False
    run.resolve()
    assert "VENDO_AUTH" not in run.env()


def test_a_second_run_changes_nothing(resolve):
    run = resolve(
        {"bindings": ["openai"], "userVariables": {"TITLE": "x"}},
        databases=POSTGRES,
        adminBootstrap=ADMIN,
        userInputs=INPUTS,
        secrets={"app_secret": {"type": "uuid"}},
        services=[service(A="${app_secret}")],
    )
    before = run.rows
    assert collect_secrets(run.session, run.platform, run.parties) == 0
    assert run.resolve() == len(before)
    assert run.rows == before


def test_a_second_run_keeps_what_the_owner_has_edited(resolve):
    run = resolve(userInputs=INPUTS)
    edited = [dataclasses.replace(run.rows["", "ZONE"], value="CET")]
    write_env(run.session, run.platform.cipher, run.parties.deployment.id, edited)
    run.resolve()
    assert run.env()["ZONE"] == "CET"


def test_a_binding_that_went_takes_its_variables_along(resolve):
    run = resolve({"bindings": ["openai"]})
    run.session.connection().exec_driver_sql(
        "DELETE FROM app_connection_bindings WHERE app_id = %s",
        (str(run.parties.deployment.authorization_id),),
    )
    run.resolve()
    assert not [key for key in run.env() if key.startswith("OPENAI")]


def test_a_literal_that_the_manifest_dropped_is_gone(resolve):
    run = resolve(services=[service(OLD="x", KEPT="y")])
    web = run.parties.deployment.manifest["services"][0]
    run.parties.deployment.manifest = {
        **run.parties.deployment.manifest,
        "services": [{**web, "env": {"KEPT": "z"}}],
    }
    run.resolve()
    assert run.env()["KEPT"] == "z"
    assert "OLD" not in run.env()


def test_no_value_is_shown_by_what_is_raised(start):
    run = start({"userVariables": {"TITLE": "hunter2"}}, userInputs=INPUTS, requiredEnv=["NOWHERE"])
    with pytest.raises(InvalidError) as caught:
        run.resolve()
    assert "hunter2" not in str(caught.value)
