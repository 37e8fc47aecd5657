"""The deployment's private network."""

from deploy_runner.engines.base import Engine
from deploy_runner.plan import Labels, NetworkPlan


def create_network(engine: Engine, network: NetworkPlan, labels: Labels) -> str:
    """Return the network's id; raises SubnetTakenError when the subnet has to be chosen anew."""
    return engine.ensure_network(network, labels)


def remove_networks(engine: Engine, install_id: str, deployment_id: str) -> None:
    for network in engine.list_owned(install_id, deployment_id).networks:
        engine.remove_network(network.id)
