"""The demo tool as a visitor meets it: published from its template, built, opened through Berth."""

import json
from pathlib import Path

import pytest

from stack.packing import pack
from stack.settings import CHECKOUT
from tests.e2e.owner import Owner

EXAMPLE = CHECKOUT / "examples" / "hello"
BUILD_SECONDS = 120.0


@pytest.mark.usefixtures("base")
def test_hello_reads_its_own_connections_and_balance_with_its_key(owner: Owner, tmp_path: Path) -> None:
    template = json.loads((EXAMPLE / "templates" / "hello" / "1.0.0.json").read_text())
    pack(EXAMPLE, tmp_path / "hello.tar.gz")
    owner.stack.store_artifact(template["services"][0]["buildArtifact"], tmp_path / "hello.tar.gz")
    deployed = owner.deploy(owner.stack.publish(template), userVariables={"GREETING": "Ahoy <b>"})
    deployed.await_status("running", BUILD_SECONDS)
    page = deployed.open().text
    assert all(text in page for text in ("<title>Ahoy &lt;b&gt;</title>", "25.00 USD", ">connected<"))
    state = deployed.open("api/state").json()
    assert (state["greeting"], state["errors"]) == ("Ahoy <b>", [])
    assert (state["balance_micros"], state["currency"]) == (25_000_000, "USD")
    statuses = {entry["slug"]: entry["status"] for entry in state["connections"]}
    assert statuses == {"openrouter": "connected", "telegram": "available"}
