"""Runs last: what everybody could read during the whole run is searched for every secret that it made."""

from collections.abc import Iterator

import pytest

from tests.e2e.manifests import tool, web
from tests.e2e.owner import Owner, opened_owner
from tests.e2e.stack import Stack
from tests.e2e.witness import Witness, forms

PASSWORD = "correct horse & battery/staple+9"
TOKEN = "user token with spaces, 'quotes' and\na line"


@pytest.fixture(scope="module")
def searched(stack: Stack, witness: Witness, busybox: str) -> Iterator[Witness]:
    """The witness after one more tool with a secret of every kind was deployed, once well and once badly."""
    with opened_owner(stack, witness) as owner:
        deploy_with_secrets(owner, busybox)
        witness.learn(*TOKEN.splitlines())
        witness.look(stack)
        yield witness


def deploy_with_secrets(owner: Owner, image: str) -> None:
    secret = {
        "secrets": {"app_secret": {"type": "random_base64", "length": 32}},
        "databases": [{"name": "main", "type": "postgresql"}],
        "adminBootstrap": {"authMode": "manual_setup"},
        "userInputs": [{"key": "API_TOKEN", "visibility": "secret"}],
    }
    chatty = 'echo $APP_SECRET; echo $DATABASE_URL; echo $ADMIN_PASSWORD >&2; echo "$API_TOKEN"'
    env = {"APP_SECRET": "${app_secret}", "MIXED": "x-${app_secret}-${API_TOKEN}"}
    well = tool(web(image, env=env, startCommand=f"{chatty}; exec httpd -f -p 8080 -h /www"), **secret)
    badly = tool(web(image, env=env, startCommand=f"{chatty}; env; exit 5"), **secret)
    badly["readiness"] = {"healthPath": "/", "maxRetries": 2, "retryIntervalSec": 1}
    body = {"adminPassword": PASSWORD, "userVariables": {"API_TOKEN": TOKEN}}
    good, bad = (owner.deploy(owner.stack.publish(document), **body) for document in (well, badly))
    good.await_status("running")
    bad.await_status("failed")
    owner.post_deploy(well["slug"], deploymentSlug="Bad Slug", **body)
    owner.post_deploy(well["slug"], deploymentSlug=3, **body)


def test_every_kind_of_secret_is_looked_for(searched: Witness) -> None:
    assert {PASSWORD, TOKEN} <= searched.secrets
    for prefix in ("vendo_sk_", "whsec_", "postgresql://berth_"):
        assert [secret for secret in searched.secrets if secret.startswith(prefix)], prefix
    assert len(searched.texts) > 100


def test_a_leak_would_be_found_in_each_form() -> None:
    for form in forms(PASSWORD):
        witness = Witness(secrets={PASSWORD})
        assert len(witness.find_leaks({"fine", f"before {form} after"})) == 1
    assert Witness(secrets={PASSWORD}).find_leaks({"fine"}) == []


def test_no_secret_is_in_a_log_of_a_process(stack: Stack, searched: Witness) -> None:
    said = stack.read_logs()
    assert "berth.access" in said
    assert searched.find_leaks({said}) == []


def test_no_secret_is_in_a_row_a_label_an_image_an_error_or_an_address(searched: Witness) -> None:
    assert searched.find_leaks(searched.texts) == []
