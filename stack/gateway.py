"""How a container reaches this machine: the host's address on a network of its own.

Containers on every other network reach that address through their own gateway, so that the address
stays the same for all of them and for as long as the install lives.
"""

import hashlib
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deploy_runner.subnets import choose_subnet, host_routes
from stack.engine_api import EngineApi, EngineError
from stack.errors import StackError
from stack.ports import LOOPBACK, is_free

SUBNET_PREFIX = 28


@dataclass(frozen=True)
class Gateway:
    """The gateway network's subnet and this machine's address on it."""

    network_id: str
    subnet: str
    address: str


def ensure_gateway(
    api: EngineApi, install_id: str, network_range: ipaddress.IPv4Network, remembered: str = ""
) -> Gateway:
    """Return the install's gateway network, creating it on the first free subnet when absent."""
    gateway = find_gateway(api, install_id) or _create(api, install_id, network_range, remembered)
    if not is_free(gateway.address, 0):
        api.call("DELETE", f"/networks/{gateway.network_id}")
        raise StackError(
            f"the Docker engine at {api.docker_host} does not share this machine's network: "
            "set HOST_GATEWAY to an address of this machine that its containers can reach"
        )
    return gateway


def find_gateway(api: EngineApi, install_id: str) -> Gateway | None:
    """Return the gateway network of this install, or None."""
    mine = [item for item in api.call("GET", "/networks") if _labels(item).get("berth.install") == install_id]
    found = [item for item in mine if _labels(item).get("berth.role") == "gateway"]
    if not found:
        return None
    (config, *_) = found[0]["IPAM"]["Config"]
    return Gateway(found[0]["Id"], config["Subnet"], config["Gateway"])


def remove_gateway(api: EngineApi, install_id: str) -> None:
    """Remove the install's gateway network; the next start asks for the same subnet again."""
    gateway = find_gateway(api, install_id)
    if gateway is not None:
        api.call("DELETE", f"/networks/{gateway.network_id}")


def _create(
    api: EngineApi, install_id: str, network_range: ipaddress.IPv4Network, remembered: str
) -> Gateway:
    for subnet in _candidates(api, install_id, network_range, remembered):
        address = str(next(ipaddress.IPv4Network(subnet).hosts()))
        try:
            created = api.call("POST", "/networks/create", _network_config(install_id, subnet, address))
        except EngineError as error:
            # Somebody holds the subnet; any other reason would repeat for the next one.
            if "overlap" in str(error).lower():
                continue
            raise StackError(f"the Docker engine refused a network: {error}") from error
        return Gateway(created["Id"], subnet, address)
    raise StackError(f"no free /{SUBNET_PREFIX} in NETWORK_RANGE {network_range}: set another range")


def _network_config(install_id: str, subnet: str, address: str) -> dict[str, Any]:
    return {
        "Name": f"berth-gateway-{install_id[:12]}",
        "CheckDuplicate": True,
        "Driver": "bridge",
        "IPAM": {"Config": [{"Subnet": subnet, "Gateway": address}]},
        "Labels": {"berth.install": install_id, "berth.role": "gateway"},
    }


def _candidates(
    api: EngineApi, install_id: str, network_range: ipaddress.IPv4Network, remembered: str
) -> Iterator[str]:
    """The subnet of the last start first, whose address deployed containers know; else one that is free."""
    taken = [*_engine_subnets(api), *host_routes()]
    for wanted in filter(None, (remembered, own_subnet(install_id, network_range))):
        if not any(ipaddress.ip_network(wanted).overlaps(ipaddress.ip_network(other)) for other in taken):
            yield wanted
    yield choose_subnet(str(network_range), SUBNET_PREFIX, taken, ())


def own_subnet(install_id: str, network_range: ipaddress.IPv4Network) -> str:
    """A place of this install's own, so that no other one takes it while this one is stopped.

    It stands in the upper half of the range: deployments take their subnets from the low end.
    """
    _, upper = network_range.subnets(prefixlen_diff=1)
    places = upper.num_addresses >> (32 - SUBNET_PREFIX)
    place = int(hashlib.sha256(install_id.encode()).hexdigest(), 16) % places
    first = int(upper.network_address) + (place << (32 - SUBNET_PREFIX))
    return str(ipaddress.IPv4Network((first, SUBNET_PREFIX)))


def _engine_subnets(api: EngineApi) -> list[str]:
    networks = [(network.get("IPAM") or {}).get("Config") or [] for network in api.call("GET", "/networks")]
    subnets = [config.get("Subnet", "") for configs in networks for config in configs]
    return [subnet for subnet in subnets if subnet and ":" not in subnet]


def _labels(network: dict[str, Any]) -> dict[str, str]:
    return network.get("Labels") or {}


def listen_addresses(gateway_address: str) -> tuple[str, ...]:
    """Where servers that containers use listen: this machine and, when there is one, the gateway."""
    return (LOOPBACK, gateway_address) if gateway_address else (LOOPBACK,)
