import json
from typing import Any

from deploy_runner.engines.container_config import container_config
from deploy_runner.plan import DeploymentPlan, NetworkPlan, Role, ServicePlan, VolumePlan
from tests.deploy_runner.plans import make_labels, make_service


def config_of(service: ServicePlan, **label_changes: Any) -> dict[str, Any]:
    plan = DeploymentPlan(make_labels(**label_changes), NetworkPlan("net", "10.0.0.0/28"), (service,))
    return container_config(plan, service, "sha256:abc", "network-id")


def test_privileges_are_dropped_and_resources_bounded() -> None:
    host = config_of(make_service(cpus=1.5, memory_mb=256))["HostConfig"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["CapDrop"] == ["ALL"]
    assert "SYS_ADMIN" not in host["CapAdd"]
    assert "NET_RAW" not in host["CapAdd"]
    assert host["PidsLimit"] == 512
    assert host["NanoCpus"] == 1_500_000_000
    assert host["Memory"] == host["MemorySwap"] == 256 * 1024 * 1024
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}


def test_the_deployment_network_is_the_only_one() -> None:
    config = config_of(make_service("queue"))
    assert config["HostConfig"]["NetworkMode"] == "network-id"
    assert config["NetworkingConfig"]["EndpointsConfig"] == {"network-id": {"Aliases": ["queue"]}}


def test_a_port_is_published_on_loopback_only_and_only_when_asked_for() -> None:
    published = config_of(make_service(host_port=20001))["HostConfig"]["PortBindings"]
    assert published == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "20001"}]}
    assert config_of(make_service(host_port=None))["HostConfig"]["PortBindings"] == {}


def test_only_long_running_services_are_restarted() -> None:
    policies = {
        role: config_of(make_service(role=role))["HostConfig"]["RestartPolicy"]["Name"] for role in Role
    }
    assert policies == {"web": "on-failure", "worker": "on-failure", "cron": "no", "init": "no"}


def test_volumes_are_named_ones() -> None:
    volume = VolumePlan("berth-data", "/data", 1)
    mounts = config_of(make_service(volumes=(volume,)))["HostConfig"]["Mounts"]
    assert mounts == [{"Type": "volume", "Source": "berth-data", "Target": "/data"}]


def test_no_label_holds_a_variable() -> None:
    config = config_of(make_service(env={"VENDO_API_KEY": "vendo_sk_secret", "SHORT": "a1b2"}))
    labels = json.dumps(config["Labels"])
    assert "vendo_sk_secret" not in labels
    assert "a1b2" not in labels


def test_the_spec_ignores_the_attempt_and_follows_everything_else() -> None:
    def spec(service: ServicePlan, **label_changes: Any) -> str:
        return str(config_of(service, **label_changes)["Labels"]["berth.spec"])

    first = spec(make_service())
    assert spec(make_service(), fence=9, operation_id="another") == first
    others = [
        make_service(env={"PORT": "8081"}),
        make_service(command=("other",)),
        make_service(memory_mb=65),
        make_service(host_port=20001),
    ]
    assert first not in {spec(other) for other in others}


def test_the_spec_of_equal_values_differs_between_app_keys() -> None:
    one = config_of(make_service(env={"VENDO_API_KEY": "one"}))
    two = config_of(make_service(env={"VENDO_API_KEY": "two"}))
    assert one["Labels"]["berth.spec"] != two["Labels"]["berth.spec"]
