"""The undo of everything that the other steps make on an engine."""

from deploy_runner.engines.base import Engine, OwnedObjects
from deploy_runner.errors import StepError
from deploy_runner.steps.containers import STOP_GRACE_SECONDS

_ROUNDS = 5


def remove_deployment(engine: Engine, install_id: str, deployment_id: str, keep_volumes: bool) -> None:
    """Remove containers, network and volumes until the engine lists none; raises StepError naming what stays.

    The labels are asked, not a record: that also finds what an interrupted attempt made.
    """
    for _ in range(_ROUNDS):
        owned = engine.list_owned(install_id, deployment_id)
        if not _list_leftovers(owned, keep_volumes):
            return
        _remove_once(engine, owned, keep_volumes)
    left = _list_leftovers(engine.list_owned(install_id, deployment_id), keep_volumes)
    if left:
        raise StepError(f"Could not be removed: {', '.join(left)}.", permanent=False)


def _list_leftovers(owned: OwnedObjects, keep_volumes: bool) -> list[str]:
    volumes = [] if keep_volumes else owned.volumes
    return [item.name for item in (*owned.containers, *owned.networks, *volumes)]


def _remove_once(engine: Engine, owned: OwnedObjects, keep_volumes: bool) -> None:
    for container in owned.containers:
        if keep_volumes:
            # Its data lives on, so it may finish writing.
            engine.stop(container.id, STOP_GRACE_SECONDS)
        engine.remove_container(container.id)
    for network in owned.networks:
        engine.remove_network(network.id)
    if not keep_volumes:
        for volume in owned.volumes:
            engine.remove_volume(volume.name)
