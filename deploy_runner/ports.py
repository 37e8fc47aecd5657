"""Chooses the loopback port that a service is published on."""

from collections.abc import Collection, Sequence
from itertools import chain

from deploy_runner.errors import StepError


def choose_port(ports: Sequence[int], taken: Collection[int], start: int) -> int:
    """Return the first free port from `start` on, going round; raises StepError when none is free."""
    later = (port for port in ports if port >= start)
    earlier = (port for port in ports if port < start)
    used = set(taken)
    free = next((port for port in chain(later, earlier) if port not in used), None)
    if free is None:
        raise StepError("No host port is left to publish the service on.", permanent=False)
    return free
