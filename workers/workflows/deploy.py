"""The deploy workflow: the fourteen phases of lifecycle.md 2 and the progress after each."""

from app.deployments.models import DeploymentStatus
from deploy_runner.runner import Phase
from workers.workflows.compute import await_compute, deploy_compute
from workers.workflows.finishing import (
    bootstrap_admin,
    end_deploy,
    fail_deploy,
    provision_bundle,
    seed_app_credentials,
    sync_proxy_keys,
)
from workers.workflows.prepare import (
    collect_all_secrets,
    provision_databases,
    provision_storage,
    resolve_variables,
    validate_template,
)
from workers.workflows.routing import await_edge, await_readiness, set_up_domain
from workers.workflows.workflow import Workflow

DEPLOY = Workflow(
    name="deploy",
    status=DeploymentStatus.DEPLOYING,
    phases=(
        Phase("validate_template", validate_template, 5, is_one_write=True),
        Phase("collect_secrets", collect_all_secrets, 10),
        Phase("provision_r2", provision_storage, 15, is_one_write=True),
        Phase("provision_databases", provision_databases, 25),
        Phase("resolve_env", resolve_variables, 30, is_one_write=True),
        Phase("deploy_compute", deploy_compute, 50),
        Phase("await_compute_done", await_compute, 60),
        Phase("domain_setup", set_up_domain, 65, is_one_write=True),
        Phase("health_check_done", await_readiness, 80),
        Phase("bootstrap_admin", bootstrap_admin, 85, is_one_write=True),
        Phase("seed_app_credentials", seed_app_credentials, 88, is_one_write=True),
        Phase("sync_proxy_keys", sync_proxy_keys, 92),
        Phase("await_domain_ready_done", await_edge, 96),
        Phase("provision_bundle", provision_bundle, 100, is_one_write=True),
    ),
    end_well=end_deploy,
    end_badly=fail_deploy,
)
