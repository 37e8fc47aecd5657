"""How a container reaches this machine: the host's address on a network of its own.

Containers on every other network reach that address through their own gateway, so that the address
stays the same for all of them and for as long as the install lives.
"""

import ipaddress
import socket
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from stack.engine_api import EngineApi, EngineError
from stack.errors import StackError
from stack.ports import LOOPBACK, is_free

SUBNET_PREFIX = 28
SUBNETS_TRIED = 256


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


def _create(
    api: EngineApi, install_id: str, network_range: ipaddress.IPv4Network, remembered: str
) -> Gateway:
    taken = [*_engine_subnets(api), *_routed_subnets()]
    for subnet in islice(_candidates(network_range, remembered, taken), SUBNETS_TRIED):
        address = str(next(subnet.hosts()))
        try:
            created = api.call("POST", "/networks/create", _network_config(install_id, subnet, address))
        except EngineError as error:
            # Somebody took the subnet since the list was read; any other reason would repeat for the next.
            if "overlap" in str(error).lower():
                continue
            raise StackError(f"the Docker engine refused a network: {error}") from error
        return Gateway(created["Id"], str(subnet), address)
    raise StackError(f"no free /{SUBNET_PREFIX} in NETWORK_RANGE {network_range}: set another range")


def _network_config(install_id: str, subnet: ipaddress.IPv4Network, address: str) -> dict[str, Any]:
    return {
        "Name": f"berth-gateway-{install_id[:12]}",
        "CheckDuplicate": True,
        "Driver": "bridge",
        "IPAM": {"Config": [{"Subnet": str(subnet), "Gateway": address}]},
        "Labels": {"berth.install": install_id, "berth.role": "gateway"},
    }


def _candidates(
    network_range: ipaddress.IPv4Network, remembered: str, taken: Iterable[ipaddress.IPv4Network]
) -> Iterator[ipaddress.IPv4Network]:
    """The subnet of the last start first: containers may still know its address."""
    occupied = list(taken)
    if remembered:
        yield ipaddress.IPv4Network(remembered)
    for subnet in network_range.subnets(new_prefix=SUBNET_PREFIX):
        if not any(subnet.overlaps(other) for other in occupied):
            yield subnet


def _engine_subnets(api: EngineApi) -> Iterator[ipaddress.IPv4Network]:
    for network in api.call("GET", "/networks"):
        for config in (network.get("IPAM") or {}).get("Config") or ():
            if ":" not in config.get("Subnet", ":"):
                yield ipaddress.IPv4Network(config["Subnet"], strict=False)


def _routed_subnets() -> Iterator[ipaddress.IPv4Network]:
    """Networks that this machine already routes, a VPN's for example; not the default route."""
    table = Path("/proc/net/route")
    for line in table.read_text().splitlines()[1:] if table.exists() else ():
        columns = line.split()
        destination, mask = _kernel_address(columns[1]), _kernel_address(columns[7])
        if mask != "0.0.0.0":  # noqa: S104
            yield ipaddress.IPv4Network(f"{destination}/{mask}", strict=False)


def _kernel_address(text: str) -> str:
    """The kernel prints addresses as hexadecimal in the machine's byte order."""
    return socket.inet_ntoa(int(text, 16).to_bytes(4, sys.byteorder))


def _labels(network: dict[str, Any]) -> dict[str, str]:
    return network.get("Labels") or {}


def listen_addresses(gateway_address: str) -> tuple[str, ...]:
    """Where servers that containers use listen: this machine and, when there is one, the gateway."""
    return (LOOPBACK, gateway_address) if gateway_address else (LOOPBACK,)
