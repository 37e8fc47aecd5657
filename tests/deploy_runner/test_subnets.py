import time
from ipaddress import ip_network
from pathlib import Path

import pytest

from deploy_runner.errors import StepError
from deploy_runner.subnets import choose_subnet, host_routes

RANGE = "10.216.0.0/16"


def test_the_lowest_free_subnet_is_chosen() -> None:
    assert choose_subnet(RANGE, 28, [], []) == "10.216.0.0/28"
    assert choose_subnet(RANGE, 28, ["10.216.0.0/28", "10.216.0.32/28"], []) == "10.216.0.16/28"


def test_overlaps_of_any_size_are_passed_over() -> None:
    avoid = ["10.216.0.0/20", "10.216.1.0/24", "10.216.16.5/32", "0.0.0.0/30", "fd00::/8"]
    assert choose_subnet(RANGE, 28, [], avoid) == "10.216.16.16/28"


def test_a_range_inside_an_avoided_network_has_none() -> None:
    with pytest.raises(StepError, match="No private subnet is left"):
        choose_subnet(RANGE, 28, [], ["10.0.0.0/8"])


def test_every_subnet_of_the_range_is_used_before_it_is_full() -> None:
    taken: list[str] = []
    for _ in range(16):
        taken.append(choose_subnet("10.216.9.0/24", 28, taken, []))
    assert len({ip_network(subnet) for subnet in taken}) == 16
    with pytest.raises(StepError):
        choose_subnet("10.216.9.0/24", 28, taken, [])


def test_three_hundred_taken_subnets_cost_little() -> None:
    taken = [str(net) for net in list(ip_network(RANGE).subnets(new_prefix=28))[:4000]]
    began = time.monotonic()
    assert choose_subnet(RANGE, 28, taken, []) == "10.216.250.0/28"
    assert time.monotonic() - began < 1.0


def test_host_routes_leave_the_default_route_out(tmp_path: Path) -> None:
    table = tmp_path / "route"
    table.write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )
    assert host_routes(table) == ["192.168.0.0/16"]
    assert host_routes(tmp_path / "absent") == []
