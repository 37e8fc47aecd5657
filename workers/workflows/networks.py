"""The deployment's network: its subnet is a committed row before the engine is asked for it.

The engine takes about as long to make a network as the phases before `deploy_compute` take together, so
it is asked ahead, while they run.
"""

from concurrent.futures import Future
from threading import Thread

from app.deployments import addresses
from deploy_runner.engines.base import Engine
from deploy_runner.errors import StepError, SubnetTakenError
from deploy_runner.plan import Labels, NetworkPlan, network_name
from deploy_runner.steps.network import create_network
from deploy_runner.subnets import choose_subnet, engine_subnets, host_routes
from workers.workflows.context import WorkflowContext

SUBNET_PREFIX = 28
_TRIES = 20


def start_network_ahead(context: WorkflowContext) -> None:
    """Have the network made in the background; `have_network` takes what comes of it."""
    future: Future[str] = Future()
    arguments = (context.engine, _network_plan(context), context.labels, future)
    context.network_ahead = future
    Thread(target=_make, args=arguments, name="network-ahead", daemon=True).start()


def have_network(context: WorkflowContext) -> str:
    """The id of the deployment's network, made if it is not there."""
    for _ in range(_TRIES):
        try:
            return _await_or_make(context)
        except SubnetTakenError:
            # Something that is not ours sits there: choose again, with what the engine shows now.
            with context.fenced() as session:
                addresses.free_subnet(session, context.claim.deployment_id)
    raise StepError("No free subnet was found for the deployment's network.", permanent=False)


def _await_or_make(context: WorkflowContext) -> str:
    ahead, context.network_ahead = context.network_ahead, None
    if ahead is not None:
        return ahead.result()
    return create_network(context.engine, _network_plan(context), context.labels)


def _make(engine: Engine, network: NetworkPlan, labels: Labels, future: "Future[str]") -> None:
    try:
        future.set_result(create_network(engine, network, labels))
    except Exception as error:
        # Whoever takes the result decides what it means.
        future.set_exception(error)


def _network_plan(context: WorkflowContext) -> NetworkPlan:
    return NetworkPlan(network_name(context.labels.deployment_id), _take_subnet(context))


def _take_subnet(context: WorkflowContext) -> str:
    settings, deployment_id = context.platform.settings, context.claim.deployment_id
    with context.fenced() as session:
        if known := addresses.find_subnet(session, deployment_id):
            return known
    avoid = [*engine_subnets(context.engine), *host_routes()]
    for _ in range(_TRIES):
        with context.fenced() as session:
            taken = addresses.list_taken_subnets(session)
            subnet = choose_subnet(settings.network_range, SUBNET_PREFIX, taken, avoid)
            if addresses.take_subnet(session, deployment_id, subnet):
                return subnet
    raise StepError("Subnets are being taken faster than one can be chosen.", permanent=False)
