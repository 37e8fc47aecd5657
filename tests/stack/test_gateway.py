"""The gateway network: one per install, found again, reached from every other network."""

import ipaddress
import socket
import threading
import uuid

from stack.engine_api import EngineApi
from stack.gateway import ensure_gateway, find_gateway, own_subnet, remove_gateway
from tests.stack.containers import run_container

RANGE = ipaddress.IPv4Network("10.200.0.0/13")


def test_second_start_finds_the_same_gateway(api: EngineApi, install_id: str) -> None:
    assert ensure_gateway(api, install_id, RANGE) == ensure_gateway(api, install_id, RANGE)


def test_removed_gateway_comes_back_on_its_subnet(api: EngineApi, install_id: str) -> None:
    first = ensure_gateway(api, install_id, RANGE)
    remove_gateway(api, install_id)
    assert find_gateway(api, install_id) is None
    assert ensure_gateway(api, install_id, RANGE, first.subnet).address == first.address


def test_taken_subnet_is_not_used_twice(api: EngineApi, install_id: str) -> None:
    first = ensure_gateway(api, install_id, RANGE)
    other = uuid.uuid4().hex
    try:
        second = ensure_gateway(api, other, RANGE, remembered=first.subnet)
        assert not ipaddress.ip_network(second.subnet).overlaps(ipaddress.ip_network(first.subnet))
    finally:
        remove_gateway(api, other)


def test_own_subnet_keeps_clear_of_the_low_end_where_deployments_start() -> None:
    subnets = [ipaddress.IPv4Network(own_subnet(uuid.uuid4().hex, RANGE)) for _ in range(100)]
    assert all(subnet.subnet_of(RANGE) and subnet[0] >= RANGE[RANGE.num_addresses // 2] for subnet in subnets)


def test_container_on_another_network_reaches_the_gateway(
    api: EngineApi, install_id: str, base: str, other_network: str
) -> None:
    gateway = ensure_gateway(api, install_id, RANGE)
    with socket.create_server((gateway.address, 0)) as server:
        server.settimeout(20)
        greeter = threading.Thread(target=lambda: server.accept()[0].sendall(b"hello from the host"))
        greeter.start()
        said = run_container(api, base, other_network, ["nc", gateway.address, str(server.getsockname()[1])])
        greeter.join()
    assert b"hello from the host" in said
