"""Removes what a bench made in the engine: by its own labels, never anything else."""

from contextlib import suppress

import docker
from docker.errors import APIError

LABEL = "berth.bench"


def bench_repository(install_id: str) -> str:
    """What the names of a bench's own images begin with; a label would cost their build a step."""
    return f"berth-bench/{install_id[:12]}"


def remove_everything(docker_host: str, install_id: str) -> None:
    """Containers, networks, volumes and images that carry the install's or the bench's own mark."""
    client = docker.APIClient(docker_host, version="auto")
    for mark in (f"berth.install={install_id}", f"{LABEL}={install_id}"):
        chosen = {"label": [mark]}
        for container in client.containers(all=True, filters=chosen):
            client.remove_container(container["Id"], force=True, v=True)
        for network in client.networks(filters=chosen):
            if (network["Labels"] or {}).get("berth.role") != "gateway":
                client.remove_network(network["Id"])
        for volume in client.volumes(filters=chosen)["Volumes"] or []:
            client.remove_volume(volume["Name"])
    made = client.images(filters={"label": [f"berth.install={install_id}"]})
    made += client.images(filters={"reference": [f"{bench_repository(install_id)}-*"]})
    for image in made:
        # Gone together with the one that was made from it.
        with suppress(APIError):
            client.remove_image(image["Id"], force=True)
    client.close()
