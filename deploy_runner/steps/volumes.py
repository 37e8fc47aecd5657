"""The services' volumes: the only container data that outlives a container."""

from deploy_runner.engines.base import Engine
from deploy_runner.plan import DeploymentPlan


def create_volumes(engine: Engine, plan: DeploymentPlan) -> None:
    for service in plan.services:
        for volume in service.volumes:
            engine.ensure_volume(volume, plan.labels)


def remove_volumes(engine: Engine, install_id: str, deployment_id: str) -> None:
    """Delete the data for good; their containers must be gone."""
    for volume in engine.list_owned(install_id, deployment_id).volumes:
        engine.remove_volume(volume.name)
