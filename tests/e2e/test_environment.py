"""Variables reach the tool byte for byte."""

import pytest

from tests.e2e.manifests import tool, web
from tests.e2e.owner import Owner

VALUES = {
    "QUOTES": 'it\'s "quoted" and `ticked`',
    "NEWLINES": "first\nsecond\r\nthird\n",
    "DOLLARS": "$HOME ${HOME} $$ $(id) %HOME%",
    "HASHES": "# no comment # at all",
    "BACKSLASHES": "C:\\new\\table \\\\ \\n \\",
    "EMOJI": "\N{ROCKET} caf\u00e9 \N{FAMILY}\u200d\N{GIRL} \u65e5\u672c",
    "LONG": "".join(chr(0x21 + index % 94) for index in range(10_000)),
    "SPACES": "  two before and two after  ",
    "CONTROLS": "tab\there \x01\x1b[31m\x7f",
    "EQUALS": "a=b=c",
    "EMPTY": "",
}


@pytest.fixture
def found(owner: Owner, busybox: str) -> dict[str, str]:
    """What the tool sees, its own literals and the owner's variables together."""
    own = {f"OWN_{name}": value.replace("${", "$${") for name, value in VALUES.items()}
    deployed = owner.deploy(owner.stack.publish(tool(web(busybox, env=own))), userVariables=VALUES)
    deployed.await_status("running")
    return deployed.environment()


def test_values_arrive_byte_for_byte(found: dict[str, str]) -> None:
    assert {name: found[name] for name in VALUES} == VALUES
    assert {name: found[f"OWN_{name}"] for name in VALUES} == VALUES


def test_the_platform_tells_the_tool_who_and_where_it_is(owner: Owner, busybox: str) -> None:
    document = tool(web(busybox, env={"PUBLIC_PATH": "/d/${subdomain}/"}), userInputs=[{"key": "N"}])
    deployed = owner.deploy(owner.stack.publish(document), userVariables={"N": 1.5, "YES": True})
    deployed.await_status("running")
    seen = deployed.environment()
    assert seen["VENDO_DEPLOYMENT_ID"] == str(deployed.uuid)
    assert (seen["SUBDOMAIN"], seen["PORT"]) == (deployed.label, "8080")
    assert seen["PUBLIC_PATH"] == f"/d/{deployed.label}/"
    assert (seen["N"], seen["YES"]) == ("1.5", "true")
    assert seen["VENDO_API_KEY"] == seen["VENDO_DEPLOYMENT_TOKEN"]
    assert seen["VENDO_API_KEY"].startswith("vendo_sk_")
