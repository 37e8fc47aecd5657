"""Chooses each deployment's private subnet; the engine's own pools end after about thirty networks."""

import socket
import struct
from collections.abc import Collection
from ipaddress import IPv4Network, ip_network
from pathlib import Path

from deploy_runner.engines.base import Engine
from deploy_runner.errors import StepError

_ROUTE_TABLE = Path("/proc/net/route")
Span = tuple[int, int]


def choose_subnet(range_cidr: str, prefix: int, taken: Collection[str], avoid: Collection[str]) -> str:
    """Return the range's lowest subnet that overlaps none of the given ones; raises StepError when full."""
    whole = IPv4Network(range_cidr)
    size = 1 << (32 - prefix)
    candidate = int(whole.network_address)
    end = int(whole.broadcast_address)
    # One pass over the blocks in address order: each either starts after the candidate or pushes it on.
    for first, last in sorted(_spans([*taken, *avoid])):
        if first >= candidate + size:
            break
        if last >= candidate:
            candidate = _align(last + 1, size)
    if candidate + size - 1 > end:
        raise StepError(f"No private subnet is left in {range_cidr}.", permanent=False)
    return str(IPv4Network((candidate, prefix)))


def _spans(cidrs: Collection[str]) -> list[Span]:
    networks = (ip_network(cidr, strict=False) for cidr in cidrs)
    return [(int(net.network_address), int(net.broadcast_address)) for net in networks if net.version == 4]


def _align(address: int, size: int) -> int:
    return -(-address // size) * size


def engine_subnets(engine: Engine) -> list[str]:
    return engine.list_subnets()


def host_routes(route_table: Path = _ROUTE_TABLE) -> list[str]:
    """Return the networks that this machine routes, without the default route; empty where unknown."""
    if not route_table.exists():
        return []
    rows = [line.split() for line in route_table.read_text().splitlines()[1:]]
    networks = [IPv4Network((_address(row[1]), _address(row[7]))) for row in rows]
    return [str(network) for network in networks if network.prefixlen > 0]


def _address(little_endian_hex: str) -> str:
    return socket.inet_ntoa(struct.pack("<L", int(little_endian_hex, 16)))
