"""lifecycle.md 9: who wins when several say one variable, and how rows are kept."""

from itertools import permutations

import pytest

from app.core.crypto import DecryptError
from app.deployments.env import EnvRow, drop_env, env_for_service, read_env, write_env
from app.deployments.models import DeploymentEnvVar, EnvKind
from tests.factories import make_deployment

SYSTEM, INTEGRATION, USER = EnvKind.SYSTEM, EnvKind.INTEGRATION, EnvKind.USER
LITERAL = EnvRow("KEY", "literal", SYSTEM, service="web")
RANKED = [
    EnvRow("KEY", "system", SYSTEM),
    EnvRow("KEY", "integration", INTEGRATION),
    EnvRow("KEY", "user", USER),
    LITERAL,
]


@pytest.fixture
def deployment_id(platform, workspace, tool):
    return make_deployment(platform, workspace, tool)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_strongest_row_wins_whatever_their_order(size):
    for start in range(len(RANKED) - size + 1):
        rows = RANKED[start : start + size]
        assert {env_for_service(mixed, "web")["KEY"] for mixed in permutations(rows)} == {rows[0].value}


def test_a_service_gets_its_own_literals_and_what_all_get():
    rows = [LITERAL, EnvRow("OTHER", "x", SYSTEM, service="worker"), EnvRow("ALL", "y", USER)]
    assert env_for_service(rows, "web") == {"KEY": "literal", "ALL": "y"}
    assert env_for_service(rows, "worker") == {"OTHER": "x", "ALL": "y"}
    assert env_for_service(rows, "cron") == {"ALL": "y"}


def test_a_row_does_not_show_its_value():
    assert "hunter2" not in repr(EnvRow("TOKEN", "hunter2", USER))


def stored(session, platform, deployment_id) -> dict[tuple[str, str], tuple[str, str, bool]]:
    rows = read_env(session, platform.cipher, deployment_id)
    return {(row.service, row.key): (row.value, row.kind, row.is_secret) for row in rows}


def test_rows_are_kept_per_service_and_key(session, platform, deployment_id):
    write_env(
        session, platform.cipher, deployment_id, [*RANKED[:1], LITERAL, EnvRow("T", "s", USER, "", True)]
    )
    assert stored(session, platform, deployment_id) == {
        ("", "KEY"): ("system", SYSTEM, False),
        ("web", "KEY"): ("literal", SYSTEM, False),
        ("", "T"): ("s", USER, True),
    }


def test_an_existing_row_is_replaced(session, platform, deployment_id):
    write_env(session, platform.cipher, deployment_id, [EnvRow("KEY", "old", USER)])
    fresh = [EnvRow("KEY", "new", SYSTEM, is_secret=True), EnvRow("MORE", "x", USER)]
    write_env(session, platform.cipher, deployment_id, fresh)
    found = stored(session, platform, deployment_id)
    assert found["", "KEY"] == ("new", SYSTEM, True)
    assert found["", "MORE"] == ("x", USER, False)


def test_nothing_to_write_writes_nothing(session, platform, deployment_id):
    write_env(session, platform.cipher, deployment_id, [])
    assert stored(session, platform, deployment_id) == {}


def test_rows_are_dropped_by_kind_or_all(session, platform, deployment_id):
    rows = [EnvRow("A", "1", SYSTEM), EnvRow("B", "2", INTEGRATION), EnvRow("C", "3", USER)]
    write_env(session, platform.cipher, deployment_id, rows)
    drop_env(session, deployment_id, INTEGRATION)
    assert {key for _, key in stored(session, platform, deployment_id)} == {"A", "C"}
    drop_env(session, deployment_id)
    assert stored(session, platform, deployment_id) == {}


@pytest.mark.parametrize(("column", "value"), [("key", "OTHER"), ("service", "web")])
def test_a_value_moved_to_another_row_does_not_open(session, platform, deployment_id, column, value):
    write_env(session, platform.cipher, deployment_id, [EnvRow("KEY", "secret", USER)])
    setattr(session.get_one(DeploymentEnvVar, (deployment_id, "", "KEY")), column, value)
    session.flush()
    with pytest.raises(DecryptError):
        read_env(session, platform.cipher, deployment_id)
