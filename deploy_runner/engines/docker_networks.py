"""Private networks and volumes on a Docker Engine, found again by name and label."""

from typing import Any

from docker.errors import APIError, NotFound
from docker.types import IPAMConfig, IPAMPool

from deploy_runner.engines.docker_client import (
    AnonymousClient,
    engine_errors,
    explain,
    owner_filter,
    require_owner,
)
from deploy_runner.errors import StepError, SubnetTakenError
from deploy_runner.plan import Labels, NetworkPlan, VolumePlan


def list_subnets(client: AnonymousClient) -> list[str]:
    with engine_errors("The networks could not be listed"):
        networks = client.networks()
    ranges = [entry for network in networks for entry in (network["IPAM"]["Config"] or [])]
    return [entry["Subnet"] for entry in ranges if entry.get("Subnet")]


def ensure_network(client: AnonymousClient, network: NetworkPlan, labels: Labels) -> str:
    found = find_network(client, network.name, labels.install_id)
    return found if found is not None else _create_network(client, network, labels)


def find_network(client: AnonymousClient, name: str, install_id: str) -> str | None:
    """Return the id of our network; raises StepError when the name belongs to someone else's."""
    with engine_errors(f"The network {name} could not be looked up"):
        # The engine's name filter matches parts of names.
        found = [network for network in client.networks(names=[name]) if network["Name"] == name]
    for network in found:
        require_owner(network["Labels"], install_id, f"The network {name}")
    return str(found[0]["Id"]) if found else None


def _create_network(client: AnonymousClient, network: NetworkPlan, labels: Labels) -> str:
    with engine_errors(f"The network {network.name} could not be created"):
        try:
            created = client.create_network(
                network.name,
                driver="bridge",
                ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=network.subnet)]),
                check_duplicate=True,
                labels=labels.as_dict(),
            )
        except APIError as error:
            return _adopt_after_conflict(client, network, labels, error)
    return str(created["Id"])


def _adopt_after_conflict(
    client: AnonymousClient, network: NetworkPlan, labels: Labels, error: APIError
) -> str:
    """An attempt before this one may have made it a moment ago; then it is ours to use."""
    found = find_network(client, network.name, labels.install_id)
    if found is not None:
        return found
    if "overlap" in explain(error):
        raise SubnetTakenError(network.subnet) from error
    raise error


def remove_network(client: AnonymousClient, network_id: str, install_id: str) -> None:
    with engine_errors("The private network could not be removed"):
        try:
            network = client.inspect_network(network_id)
            require_owner(network["Labels"], install_id, f"The network {network['Name']}")
            _disconnect_all(client, network)
            client.remove_network(network["Id"])
        except NotFound:
            return


def _disconnect_all(client: AnonymousClient, network: dict[str, Any]) -> None:
    """An endpoint left behind by a dead container would hold the network for ever."""
    for container_id in network["Containers"] or {}:
        client.disconnect_container_from_network(container_id, network["Id"], force=True)


def ensure_volume(client: AnonymousClient, volume: VolumePlan, labels: Labels) -> None:
    with engine_errors(f"The volume {volume.name} could not be created"):
        created = _create_volume(client, volume, labels.as_dict())
    require_owner(created["Labels"], labels.install_id, f"The volume {volume.name}")


def _create_volume(client: AnonymousClient, volume: VolumePlan, labels: dict[str, str]) -> dict[str, Any]:
    try:
        quota = {"size": f"{volume.size_gb}G"}
        return dict(client.create_volume(volume.name, driver="local", driver_opts=quota, labels=labels))
    except APIError as error:
        if "quota" not in explain(error):
            raise
        # This file system knows no quotas; the size stays a wish (manifest.md 3).
        return dict(client.create_volume(volume.name, driver="local", labels=labels))


def remove_volume(client: AnonymousClient, name: str, install_id: str) -> None:
    with engine_errors(f"The volume {name} could not be removed"):
        try:
            require_owner(client.inspect_volume(name)["Labels"], install_id, f"The volume {name}")
            client.remove_volume(name)
        except NotFound:
            return
        except APIError as error:
            if error.status_code == 409:
                raise StepError(
                    f"The volume {name} is still in use by a container.", permanent=False
                ) from error
            raise


def list_networks(
    client: AnonymousClient, install_id: str, deployment_id: str | None
) -> list[dict[str, Any]]:
    return list(client.networks(filters=owner_filter(install_id, deployment_id)))


def list_volumes(client: AnonymousClient, install_id: str, deployment_id: str | None) -> list[dict[str, Any]]:
    return list(client.volumes(filters=owner_filter(install_id, deployment_id))["Volumes"] or [])
