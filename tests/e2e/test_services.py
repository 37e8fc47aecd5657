"""One deployment of several services, looked at from all sides."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.manifests import HTTPD, service, tool, web
from tests.e2e.owner import Deployed, opened_owner
from tests.e2e.stack import Stack
from tests.e2e.witness import Witness


def three_roles(image: str) -> dict[str, Any]:
    return tool(
        web(image, volumes=[{"mountPath": "/data", "sizeGB": 1}], resources={"cpus": 0.25, "memoryMB": 48}),
        service("queue", "worker", image, startCommand="httpd -f -p 9000 -h /www"),
        service("setup", "init", image, startCommand="echo 'set up' && sleep 0.3"),
        serviceStartOrder=["setup", "queue", "web"],
    )


@pytest.fixture(scope="module")
def deployed(stack: Stack, witness: Witness, busybox: str) -> Iterator[Deployed]:
    with opened_owner(stack, witness) as owner:
        made = owner.deploy(stack.publish(three_roles(busybox)))
        made.await_status("running")
        yield made


def test_services_start_one_after_the_other_in_the_order_asked_for(deployed: Deployed) -> None:
    setup, queue, web = (deployed.container(name)["State"] for name in ("setup", "queue", "web"))
    assert (setup["Status"], setup["ExitCode"]) == ("exited", 0)
    assert setup["FinishedAt"] < queue["StartedAt"] < web["StartedAt"]
    assert [item["name"] for item in deployed.read()["services"]] == ["setup", "queue", "web"]


def test_services_find_each_other_by_name(deployed: Deployed) -> None:
    assert deployed.open("cgi-bin/reach?queue:9000").text == "open\n"
    assert deployed.open("cgi-bin/reach?queue:9001").text == "closed\n"


def test_only_the_web_service_is_published_and_only_on_loopback(deployed: Deployed) -> None:
    bindings = deployed.container("web")["HostConfig"]["PortBindings"]
    assert [entry["HostIp"] for entry in bindings["8080/tcp"]] == ["127.0.0.1"]
    assert deployed.container("queue")["HostConfig"]["PortBindings"] == {}


def test_resources_and_the_start_command_are_those_of_the_manifest(deployed: Deployed) -> None:
    found = deployed.container("web")
    assert (found["HostConfig"]["NanoCpus"], found["HostConfig"]["Memory"]) == (250_000_000, 48 * 1024**2)
    assert found["Config"]["Cmd"] == HTTPD.split()
    assert deployed.container("setup")["Config"]["Cmd"][:2] == ["sh", "-c"]


def test_a_volume_outlives_its_container(deployed: Deployed) -> None:
    deployed.open("cgi-bin/note?first-line")
    before = deployed.container("web")
    engine = deployed.owner.stack.engine
    engine.remove_container(before["Id"], force=True, v=True)
    again = engine.create_container_from_config(
        {**before["Config"], "HostConfig": before["HostConfig"]}, before["Name"].lstrip("/")
    )
    engine.start(again["Id"])
    assert deployed.open("cgi-bin/note").text == "first-line\n"


def test_containers_are_fenced_in(deployed: Deployed) -> None:
    for found in deployed.containers():
        host = found["HostConfig"]
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["CapDrop"] == ["ALL"]
        assert not {"SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE"} & set(host["CapAdd"])
        assert (host["Privileged"], host["PidsLimit"], host["Binds"]) == (False, 512, None)
        assert host["MemorySwap"] == host["Memory"] > 0
        assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
        assert not [mount for mount in found["Mounts"] if "docker" in mount["Destination"]]
        assert len(found["NetworkSettings"]["Networks"]) == 1


def test_restarts_are_bounded_and_init_services_are_never_restarted(deployed: Deployed) -> None:
    policies = {name: deployed.container(name)["HostConfig"]["RestartPolicy"] for name in ("web", "setup")}
    assert policies["web"] == {"Name": "on-failure", "MaximumRetryCount": 10}
    assert policies["setup"]["Name"] in ("no", "")
