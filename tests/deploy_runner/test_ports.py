import pytest

from deploy_runner.errors import StepError
from deploy_runner.ports import choose_port

PORTS = range(20000, 20004)


@pytest.mark.parametrize(
    ("taken", "start", "expected"),
    [([], 20000, 20000), ([20000], 20000, 20001), ([20002, 20003], 20002, 20000), ([], 20003, 20003)],
)
def test_the_first_free_port_from_the_start_is_chosen_going_round(
    taken: list[int], start: int, expected: int
) -> None:
    assert choose_port(PORTS, taken, start) == expected


def test_a_full_range_is_told_in_words() -> None:
    with pytest.raises(StepError, match="No host port is left"):
        choose_port(PORTS, list(PORTS), 20001)
