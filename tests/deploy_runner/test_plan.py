import pytest

from deploy_runner.plan import (
    Role,
    container_name,
    network_name,
    split_command,
    start_order,
    volume_name,
)
from tests.deploy_runner.plans import make_labels, make_service

HEX = "0123456789abcdef" * 2


def test_names_are_fixed_by_deployment_service_and_generation() -> None:
    assert network_name(HEX) == f"berth-{HEX}"
    assert container_name(HEX, "web", 3) == f"berth-{HEX}-web-g3"
    assert volume_name(HEX, "web", "/data") == f"berth-{HEX}-web-bd47413b"


def test_labels_carry_owner_and_attempt() -> None:
    labels = make_labels(fence=7).as_dict(service="web")
    assert labels["berth.install"] == "install"
    assert labels["berth.deployment"] == "d" * 32
    assert labels["berth.fence"] == "7"
    assert labels["berth.generation"] == "1"
    assert labels["berth.service"] == "web"


def test_variables_stay_out_of_a_service_repr() -> None:
    assert "hunter2" not in repr(make_service(env={"PASSWORD": "hunter2"}))


ROLES = {"migrate": Role.INIT, "web": Role.WEB, "queue": Role.WORKER, "seed": Role.INIT}


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([], ["migrate", "seed", "web", "queue"]),
        (["queue", "web"], ["migrate", "seed", "queue", "web"]),
        (["web", "seed"], ["migrate", "web", "seed", "queue"]),
        (["migrate", "web"], ["seed", "migrate", "web", "queue"]),
    ],
)
def test_unlisted_init_services_come_first_and_other_unlisted_last(
    listed: list[str], expected: list[str]
) -> None:
    assert start_order(["web", "migrate", "queue", "seed"], ROLES, listed) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("mailroom migrate", ("mailroom", "migrate")),
        ("serve --title 'two words'", ("serve", "--title", "two words")),
        ("serve --port $PORT", ("sh", "-c", "serve --port $PORT")),
        ("migrate && serve", ("sh", "-c", "migrate && serve")),
        ("serve > /tmp/log", ("sh", "-c", "serve > /tmp/log")),
        ("echo 'unclosed", ("sh", "-c", "echo 'unclosed")),
    ],
)
def test_a_shell_comes_in_only_for_shell_syntax(command: str, expected: tuple[str, ...]) -> None:
    assert split_command(command) == expected
