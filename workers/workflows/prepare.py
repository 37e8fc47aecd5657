"""Phases 1 to 5 of a deploy: what is to run, and with which secrets and variables."""

from app.deployments.credentials import read_credentials
from app.deployments.logs import DeployLine, append_deploy_logs
from app.deployments.resolve import database_address, resolve_env
from app.deployments.rollout import DATABASE_PASSWORD, collect_secrets, snapshot_template
from deploy_runner.databases import ensure_database
from deploy_runner.errors import StepError
from deploy_runner.journal import PhaseResult
from workers.workflows.context import WorkflowContext
from workers.workflows.networks import start_network_ahead

SKIPPED: PhaseResult = {"message": "skipped"}


def validate_template(context: WorkflowContext) -> PhaseResult:
    with context.fenced() as session:
        version = snapshot_template(session, context.parties(session))
    return {"message": version, "version": version}


def collect_all_secrets(context: WorkflowContext) -> PhaseResult:
    start_network_ahead(context)
    with context.fenced() as session:
        made = collect_secrets(session, context.platform, context.parties(session))
    context.expect_new_secrets()
    return {"message": f"{made} generated"}


def provision_storage(context: WorkflowContext) -> PhaseResult:
    if context.manifest().get("r2Storage"):
        raise StepError("This tool asks for an object store, and none is configured.")
    return SKIPPED


def provision_databases(context: WorkflowContext) -> PhaseResult:
    settings, databases = context.platform.settings, context.manifest()["databases"]
    if not databases:
        return SKIPPED
    for entry in databases:
        if entry["type"] != "postgresql" or entry["provider"] != "neon":
            raise StepError(f"Database {entry['name']}: only shared PostgreSQL can be provisioned so far.")
    if not settings.tenant_database_admin_url:
        raise StepError("TENANT_DATABASE_ADMIN_URL is not set, so no database can be made for this tool.")
    with context.fenced() as session:
        parties = context.parties(session)
        secrets = read_credentials(session, context.platform.cipher, parties.deployment.id)
    address = database_address(settings, parties)
    ensure_database(
        settings.tenant_database_admin_url, address.name, address.role, secrets[DATABASE_PASSWORD]
    )
    return {"message": "postgres ready", "database": address.name}


def resolve_variables(context: WorkflowContext) -> PhaseResult:
    with context.fenced() as session:
        count = resolve_env(session, context.platform, context.parties(session))
        append_deploy_logs(session, context.owner, [DeployLine("persist_connection_env_vars", "written")])
    context.expect_new_secrets()
    return {"message": f"{count} variables"}
