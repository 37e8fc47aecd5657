"""Row-level security on everything that belongs to a tenant (`app/core/walls.py` narrows a transaction)."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BY_TENANT = ("apps", "connections", "credits", "deployments", "keys", "routes", "stripe_customers", "wallets")
BY_DEPLOYMENT = (
    "container_logs",
    "deploy_logs",
    "deployment_credentials",
    "deployment_env_vars",
    "deployment_services",
    "deployment_versions",
    "operations",
)
# A table whose rows lead to a walled one by another column.
BY_OTHER = {
    "app_connection_bindings": "EXISTS (SELECT 1 FROM apps WHERE apps.id = app_id)",
    "operation_phases": "EXISTS (SELECT 1 FROM operations WHERE operations.id = operation_id)",
}

FUNCTIONS = """
CREATE FUNCTION fn_sees_tenant(tenant uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
  -- The planner evaluates the casts whichever branch is taken, so that '' must become null before each.
  SELECT CASE
    WHEN coalesce(current_setting('berth.tenant_id', true), '') <> ''
      THEN tenant = nullif(current_setting('berth.tenant_id', true), '')::uuid
    WHEN coalesce(current_setting('berth.user_id', true), '') <> ''
      THEN EXISTS (SELECT 1 FROM tenants t WHERE t.id = tenant
                   AND t.owner_id = nullif(current_setting('berth.user_id', true), '')::uuid)
        OR EXISTS (SELECT 1 FROM tenant_members m WHERE m.tenant_id = tenant
                   AND m.user_id = nullif(current_setting('berth.user_id', true), '')::uuid)
    ELSE true
  END
$$;
-- A label is unique over all tenants, so this one question looks over the wall and answers yes or no only.
CREATE FUNCTION fn_is_label_taken(label text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  tenant_before text := coalesce(current_setting('berth.tenant_id', true), '');
  user_before text := coalesce(current_setting('berth.user_id', true), '');
  taken boolean;
BEGIN
  PERFORM set_config('berth.tenant_id', '', true), set_config('berth.user_id', '', true);
  taken := EXISTS (SELECT 1 FROM deployments WHERE subdomain = label AND status <> 'destroyed');
  PERFORM set_config('berth.tenant_id', tenant_before, true), set_config('berth.user_id', user_before, true);
  RETURN taken;
END $$;
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)
    for table in BY_TENANT:
        _wall(table, "fn_sees_tenant(tenant_id)")
    for table in BY_DEPLOYMENT:
        _wall(table, "EXISTS (SELECT 1 FROM deployments WHERE deployments.id = deployment_id)")
    for table, rule in BY_OTHER.items():
        _wall(table, rule)


def downgrade() -> None:
    for table in (*BY_TENANT, *BY_DEPLOYMENT, *BY_OTHER):
        op.execute(f"DROP POLICY tenant_wall ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION fn_is_label_taken(text)")
    op.execute("DROP FUNCTION fn_sees_tenant(uuid)")


def _wall(table: str, rule: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    # The application's role owns the tables, and an owner passes unless it is forced.
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant_wall ON {table} USING ({rule})")
