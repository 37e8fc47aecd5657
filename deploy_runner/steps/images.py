"""The services' images, pulled or built."""

from collections.abc import Callable

from deploy_runner.engines.base import Engine
from deploy_runner.errors import StepError
from deploy_runner.plan import DeploymentPlan, ImageSource, ServicePlan

OnOutput = Callable[[str, str], None]


def prepare_images(
    engine: Engine, plan: DeploymentPlan, network_id: str, on_output: OnOutput
) -> dict[str, str]:
    """Return each service's image id; a source that several services share is had once."""
    had: dict[ImageSource, str] = {}
    for service in plan.services:
        if service.image not in had:
            had[service.image] = _prepare(engine, plan, service, (network_id, on_output))
    return {service.name: had[service.image] for service in plan.services}


def _prepare(engine: Engine, plan: DeploymentPlan, service: ServicePlan, build: tuple[str, OnOutput]) -> str:
    network_id, on_output = build
    try:
        return engine.ensure_image(
            service.image, plan.labels, network_id, lambda line: on_output(service.name, line)
        )
    except StepError as error:
        error.service = error.service or service.name
        raise


def remove_images(engine: Engine, image_ids: list[str]) -> None:
    """Remove images that Berth built; one that a container still uses raises a StepError."""
    for image_id in image_ids:
        engine.remove_image(image_id)
