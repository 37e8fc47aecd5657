"""Create every table of identity, catalog, connections, billing, deployments and operations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('idempotency_keys',
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('body_hash', sa.Text(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('scope', 'key', name=op.f('pk_idempotency_keys'))
    )
    op.create_table('integrations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('category', sa.Text(), server_default='other', nullable=False),
    sa.Column('default_profile', sa.Text(), nullable=False),
    sa.Column('supported_profiles', sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
    sa.Column('logo_url', sa.Text(), nullable=True),
    sa.Column('icon_name', sa.Text(), nullable=True),
    sa.Column('docs_url', sa.Text(), server_default='', nullable=False),
    sa.Column('brand_color', sa.Text(), server_default='', nullable=False),
    sa.Column('env_bootstrap', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('env_vars', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('card_kind', sa.Text(), nullable=True),
    sa.Column('enabled', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('featured', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('exclusive', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('oauth_client_config', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('byok', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_integrations')),
    sa.UniqueConstraint('slug', name=op.f('uq_integrations_slug'))
    )
    op.create_table('tool_templates',
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('manifest', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('slug', 'version', name=op.f('pk_tool_templates'))
    )
    op.create_table('users',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('display_name', sa.Text(), server_default='', nullable=False),
    sa.Column('avatar_url', sa.Text(), server_default='', nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=True),
    sa.Column('is_admin', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('issuer', sa.Text(), nullable=True),
    sa.Column('subject', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users'))
    )
    op.create_index('uq_users_email_local', 'users', ['email'], unique=True, postgresql_where=sa.text('issuer IS NULL'))
    op.create_index('uq_users_issuer_subject', 'users', ['issuer', 'subject'], unique=True)
    op.create_table('worker_heartbeats',
    sa.Column('worker', sa.Text(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('worker', name=op.f('pk_worker_heartbeats'))
    )
    op.create_table('tenants',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('owner_id', sa.Uuid(), nullable=False),
    sa.Column('is_personal', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('referral_code', sa.Text(), nullable=False),
    sa.Column('slug_chosen', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('logo_url', sa.Text(), nullable=True),
    sa.Column('is_test', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['owner_id'], ['users.id'], name=op.f('fk_tenants_owner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tenants')),
    sa.UniqueConstraint('referral_code', name=op.f('uq_tenants_referral_code')),
    sa.UniqueConstraint('slug', name=op.f('uq_tenants_slug'))
    )
    op.create_index('uq_tenants_owner_id', 'tenants', ['owner_id'], unique=True, postgresql_where=sa.text('NOT is_test'))
    op.create_table('user_sessions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('kind', sa.Text(), server_default='dashboard', nullable=False),
    sa.Column('user_agent', sa.Text(), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_user_sessions_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user_sessions')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_user_sessions_token_hash'))
    )
    op.create_index(op.f('ix_user_sessions_user_id'), 'user_sessions', ['user_id'], unique=False)
    op.create_table('apps_catalog',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('category', sa.Text(), server_default='other', nullable=False),
    sa.Column('tool_type', sa.Text(), server_default='deployment', nullable=False),
    sa.Column('auth_mode', sa.Text(), nullable=True),
    sa.Column('icon_url', sa.Text(), nullable=True),
    sa.Column('enabled', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('featured', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('usage_category', sa.Text(), server_default='compute_general', nullable=False),
    sa.Column('allowed_callback_patterns', sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
    sa.Column('surface_all_connections', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('supported_connections', sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False),
    sa.Column('marketing', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('owner_tenant_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['owner_tenant_id'], ['tenants.id'], name=op.f('fk_apps_catalog_owner_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_apps_catalog')),
    sa.UniqueConstraint('slug', name=op.f('uq_apps_catalog_slug'))
    )
    op.create_table('connections',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=False),
    sa.Column('provider_slug', sa.Text(), nullable=False),
    sa.Column('profile', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('display_name', sa.Text(), nullable=False),
    sa.Column('metadata', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('encrypted_credential', sa.LargeBinary(), nullable=True),
    sa.Column('encrypted_refresh_token', sa.LargeBinary(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('created_by_user_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('connected_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['created_by_user_id'], ['users.id'], name=op.f('fk_connections_created_by_user_id')),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_connections_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_connections')),
    sa.UniqueConstraint('external_id', name=op.f('uq_connections_external_id'))
    )
    op.create_index(op.f('ix_connections_tenant_id'), 'connections', ['tenant_id'], unique=False)
    op.create_index('uq_connections_pool', 'connections', ['tenant_id', 'provider_slug'], unique=True, postgresql_where=sa.text("profile = 'vendo_managed_pool' AND status <> 'revoked'"))
    op.create_table('credits',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('amount_micros', sa.BigInteger(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=False),
    sa.Column('note', sa.Text(), server_default='', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.CheckConstraint('amount_micros <> 0', name=op.f('ck_credits_not_zero')),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_credits_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credits')),
    sa.UniqueConstraint('idempotency_key', name=op.f('uq_credits_idempotency_key'))
    )
    op.create_index(op.f('ix_credits_tenant_id'), 'credits', ['tenant_id'], unique=False)
    op.create_table('stripe_customers',
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('stripe_customer_id', sa.Text(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_stripe_customers_tenant_id')),
    sa.PrimaryKeyConstraint('tenant_id', name=op.f('pk_stripe_customers')),
    sa.UniqueConstraint('stripe_customer_id', name=op.f('uq_stripe_customers_stripe_customer_id'))
    )
    op.create_table('tenant_integrations',
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('integration_id', sa.Uuid(), nullable=False),
    sa.Column('enabled', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.ForeignKeyConstraint(['integration_id'], ['integrations.id'], name=op.f('fk_tenant_integrations_integration_id')),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_tenant_integrations_tenant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant_id', 'integration_id', name=op.f('pk_tenant_integrations'))
    )
    op.create_table('tenant_members',
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_tenant_members_tenant_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_tenant_members_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant_id', 'user_id', name=op.f('pk_tenant_members'))
    )
    op.create_index(op.f('ix_tenant_members_user_id'), 'tenant_members', ['user_id'], unique=False)
    op.create_table('wallets',
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('balance_usd', sa.Numeric(precision=12, scale=6), server_default=sa.text('0'), nullable=False),
    sa.Column('held_micros', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint('held_micros >= 0', name=op.f('ck_wallets_held_not_negative')),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_wallets_tenant_id')),
    sa.PrimaryKeyConstraint('tenant_id', name=op.f('pk_wallets'))
    )
    op.create_table('apps',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('display_name', sa.Text(), nullable=True),
    sa.Column('tool_id', sa.Uuid(), nullable=True),
    sa.Column('spend_cap_micros_daily', sa.BigInteger(), nullable=True),
    sa.Column('spend_cap_micros_monthly', sa.BigInteger(), nullable=True),
    sa.Column('connected_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('disconnected_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_apps_tenant_id')),
    sa.ForeignKeyConstraint(['tool_id'], ['apps_catalog.id'], name=op.f('fk_apps_tool_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_apps'))
    )
    op.create_index(op.f('ix_apps_tenant_id'), 'apps', ['tenant_id'], unique=False)
    op.create_table('tool_releases',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('tool_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('template_version', sa.Text(), nullable=False),
    sa.Column('source_repo', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('was_active', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('wizard_inputs', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('wizard_layout', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('requires', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['tool_id'], ['apps_catalog.id'], name=op.f('fk_tool_releases_tool_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tool_releases'))
    )
    op.create_index('uq_tool_releases_active', 'tool_releases', ['tool_id'], unique=True, postgresql_where=sa.text("status = 'active'"))
    op.create_index('uq_tool_releases_version', 'tool_releases', ['tool_id', 'version'], unique=True)
    op.create_table('app_connection_bindings',
    sa.Column('app_id', sa.Uuid(), nullable=False),
    sa.Column('provider_slug', sa.Text(), nullable=False),
    sa.Column('connection_id', sa.Uuid(), nullable=False),
    sa.Column('is_exclusive', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('metadata', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['app_id'], ['apps.id'], name=op.f('fk_app_connection_bindings_app_id')),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], name=op.f('fk_app_connection_bindings_connection_id')),
    sa.PrimaryKeyConstraint('app_id', 'provider_slug', name=op.f('pk_app_connection_bindings'))
    )
    op.create_index(op.f('ix_app_connection_bindings_connection_id'), 'app_connection_bindings', ['connection_id'], unique=False)
    op.create_index('uq_bindings_exclusive_connection', 'app_connection_bindings', ['connection_id'], unique=True, postgresql_where=sa.text('is_exclusive'))
    op.create_table('deployments',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('tool_id', sa.Uuid(), nullable=False),
    sa.Column('authorization_id', sa.Uuid(), nullable=True),
    sa.Column('created_by_user_id', sa.Uuid(), nullable=False),
    sa.Column('deployment_slug', sa.Text(), nullable=False),
    sa.Column('deployment_name', sa.Text(), nullable=False),
    sa.Column('subdomain', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('health_status', sa.Text(), server_default='unknown', nullable=False),
    sa.Column('progress', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('current_step', sa.Text(), nullable=True),
    sa.Column('error_step', sa.Text(), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('bundle_version', sa.Text(), nullable=True),
    sa.Column('deployed_template_version', sa.Text(), nullable=True),
    sa.Column('previous_template_version', sa.Text(), nullable=True),
    sa.Column('manifest', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('compute_provider', sa.Text(), server_default='docker', nullable=False),
    sa.Column('vendo_auth_default', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('vendo_auth_override', sa.Boolean(), nullable=True),
    sa.Column('is_test', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('restart_required', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('admin_email', sa.Text(), server_default='', nullable=False),
    sa.Column('user_input', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('attempt', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('generation', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('consecutive_failures', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('suspension_reason', sa.Text(), nullable=True),
    sa.Column('suspended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('destroyed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ready_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_health_check_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('auto_update_paused_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['authorization_id'], ['apps.id'], name=op.f('fk_deployments_authorization_id')),
    sa.ForeignKeyConstraint(['created_by_user_id'], ['users.id'], name=op.f('fk_deployments_created_by_user_id')),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_deployments_tenant_id')),
    sa.ForeignKeyConstraint(['tool_id'], ['apps_catalog.id'], name=op.f('fk_deployments_tool_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deployments'))
    )
    op.create_index(op.f('ix_deployments_authorization_id'), 'deployments', ['authorization_id'], unique=False)
    op.create_index('ix_deployments_newest', 'deployments', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_index(op.f('ix_deployments_status'), 'deployments', ['status'], unique=False)
    op.create_index(op.f('ix_deployments_tool_id'), 'deployments', ['tool_id'], unique=False)
    op.create_index('uq_deployments_slug', 'deployments', ['tenant_id', 'deployment_slug'], unique=True, postgresql_where=sa.text("status <> 'destroyed'"))
    op.create_index('uq_deployments_subdomain', 'deployments', ['subdomain'], unique=True, postgresql_where=sa.text("status <> 'destroyed'"))
    op.create_table('keys',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('scope_mode', sa.Text(), nullable=False),
    sa.Column('app_id', sa.Uuid(), nullable=True),
    sa.Column('connection_id', sa.Uuid(), nullable=True),
    sa.Column('key_hash', sa.LargeBinary(), nullable=False),
    sa.Column('key_prefix', sa.Text(), nullable=False),
    sa.Column('display_name', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('revoked_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(scope_mode = 'app' AND app_id IS NOT NULL AND connection_id IS NULL) OR (scope_mode = 'connection' AND connection_id IS NOT NULL AND app_id IS NULL)", name=op.f('ck_keys_scope')),
    sa.ForeignKeyConstraint(['app_id'], ['apps.id'], name=op.f('fk_keys_app_id')),
    sa.ForeignKeyConstraint(['connection_id'], ['connections.id'], name=op.f('fk_keys_connection_id')),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_keys_tenant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_keys')),
    sa.UniqueConstraint('key_hash', name=op.f('uq_keys_key_hash'))
    )
    op.create_index(op.f('ix_keys_app_id'), 'keys', ['app_id'], unique=False)
    op.create_index(op.f('ix_keys_connection_id'), 'keys', ['connection_id'], unique=False)
    op.create_index(op.f('ix_keys_tenant_id'), 'keys', ['tenant_id'], unique=False)
    op.create_table('container_logs',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('deployment_id', sa.Uuid(), nullable=False),
    sa.Column('container_id', sa.Text(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('stream', sa.Text(), nullable=False),
    sa.Column('timestamp_ns', sa.BigInteger(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('logged_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['deployment_id'], ['deployments.id'], name=op.f('fk_container_logs_deployment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_container_logs'))
    )
    op.create_index('ix_container_logs_deployment', 'container_logs', ['deployment_id', 'id'], unique=False)
    op.create_index('uq_container_logs_line', 'container_logs', ['container_id', 'timestamp_ns', 'stream'], unique=True)
    op.create_table('deploy_logs',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('deployment_id', sa.Uuid(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('workflow', sa.Text(), nullable=False),
    sa.Column('step', sa.Text(), nullable=False),
    sa.Column('level', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('progress', sa.Integer(), nullable=True),
    sa.Column('duration_ms', sa.Integer(), nullable=True),
    sa.Column('metadata', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['deployment_id'], ['deployments.id'], name=op.f('fk_deploy_logs_deployment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deploy_logs'))
    )
    op.create_index('ix_deploy_logs_deployment', 'deploy_logs', ['deployment_id', 'id'], unique=False)
    op.create_table('deployment_credentials',
    sa.Column('deployment_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('encrypted_value', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['deployment_id'], ['deployments.id'], name=op.f('fk_deployment_credentials_deployment_id')),
    sa.PrimaryKeyConstraint('deployment_id', 'name', name=op.f('pk_deployment_credentials'))
    )
    op.create_table('deployment_env_vars',
    sa.Column('deployment_id', sa.Uuid(), nullable=False),
    sa.Column('service', sa.Text(), server_default='', nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('encrypted_value', sa.LargeBinary(), nullable=False),
    sa.Column('is_secret', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('is_pending_restart', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['deployment_id'], ['deployments.id'], name=op.f('fk_deployment_env_vars_deployment_id')),
    sa.PrimaryKeyConstraint('deployment_id', 'service', 'key', name=op.f('pk_deployment_env_vars'))
    )
    op.create_table('deployment_services',
    sa.Column('deployment_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('position', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('image', sa.Text(), nullable=False),
    sa.Column('image_id', sa.Text(), nullable=True),
    sa.Column('container_id', sa.Text(), nullable=True),
    sa.Column('restarts', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('observed_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['deployment_id'], ['deployments.id'], name=op.f('fk_deployment_services_deployment_id')),
    sa.PrimaryKeyConstraint('deployment_id', 'name', name=op.f('pk_deployment_services'))
    )
    op.create_table('deployment_versions',
    sa.Column('deployment_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.Column('manifest', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('image_ids', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['deployment_id'], ['deployments.id'], name=op.f('fk_deployment_versions_deployment_id')),
    sa.PrimaryKeyConstraint('deployment_id', 'version', name=op.f('pk_deployment_versions'))
    )
    op.create_table('host_ports',
    sa.Column('port', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('deployment_id', sa.Uuid(), nullable=True),
    sa.Column('service', sa.Text(), nullable=True),
    sa.Column('generation', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['deployment_id'], ['deployments.id'], name=op.f('fk_host_ports_deployment_id')),
    sa.PrimaryKeyConstraint('port', name=op.f('pk_host_ports'))
    )
    op.create_index('uq_host_ports_service', 'host_ports', ['deployment_id', 'service', 'generation'], unique=True)
    op.create_table('network_subnets',
    sa.Column('cidr', sa.Text(), nullable=False),
    sa.Column('deployment_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['deployment_id'], ['deployments.id'], name=op.f('fk_network_subnets_deployment_id')),
    sa.PrimaryKeyConstraint('cidr', name=op.f('pk_network_subnets')),
    sa.UniqueConstraint('deployment_id', name=op.f('uq_network_subnets_deployment_id'))
    )
    op.create_table('operations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('deployment_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), server_default='queued', nullable=False),
    sa.Column('target_version', sa.Text(), nullable=True),
    sa.Column('lease_owner', sa.Text(), nullable=True),
    sa.Column('lease_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('fence', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('error_step', sa.Text(), nullable=True),
    sa.Column('error_message', sa.Text(), nullable=True),
    sa.Column('rung_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['deployment_id'], ['deployments.id'], name=op.f('fk_operations_deployment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_operations'))
    )
    op.create_index(op.f('ix_operations_deployment_id'), 'operations', ['deployment_id'], unique=False)
    op.create_index('ix_operations_waiting', 'operations', ['lease_expires_at'], unique=False, postgresql_where=sa.text('finished_at IS NULL'))
    op.create_index('uq_operations_active', 'operations', ['deployment_id'], unique=True, postgresql_where=sa.text('finished_at IS NULL'))
    op.create_table('routes',
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('deployment_id', sa.Uuid(), nullable=False),
    sa.Column('tenant_id', sa.Uuid(), nullable=False),
    sa.Column('target', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['deployment_id'], ['deployments.id'], name=op.f('fk_routes_deployment_id')),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], name=op.f('fk_routes_tenant_id')),
    sa.PrimaryKeyConstraint('label', name=op.f('pk_routes')),
    sa.UniqueConstraint('deployment_id', name=op.f('uq_routes_deployment_id'))
    )
    op.create_table('operation_phases',
    sa.Column('operation_id', sa.Uuid(), nullable=False),
    sa.Column('phase', sa.Text(), nullable=False),
    sa.Column('fence', sa.BigInteger(), nullable=False),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.ForeignKeyConstraint(['operation_id'], ['operations.id'], name=op.f('fk_operation_phases_operation_id')),
    sa.PrimaryKeyConstraint('operation_id', 'phase', name=op.f('pk_operation_phases'))
    )


def downgrade() -> None:
    op.drop_table('operation_phases')
    op.drop_table('routes')
    op.drop_index('uq_operations_active', table_name='operations', postgresql_where=sa.text('finished_at IS NULL'))
    op.drop_index('ix_operations_waiting', table_name='operations', postgresql_where=sa.text('finished_at IS NULL'))
    op.drop_index(op.f('ix_operations_deployment_id'), table_name='operations')
    op.drop_table('operations')
    op.drop_table('network_subnets')
    op.drop_index('uq_host_ports_service', table_name='host_ports')
    op.drop_table('host_ports')
    op.drop_table('deployment_versions')
    op.drop_table('deployment_services')
    op.drop_table('deployment_env_vars')
    op.drop_table('deployment_credentials')
    op.drop_index('ix_deploy_logs_deployment', table_name='deploy_logs')
    op.drop_table('deploy_logs')
    op.drop_index('uq_container_logs_line', table_name='container_logs')
    op.drop_index('ix_container_logs_deployment', table_name='container_logs')
    op.drop_table('container_logs')
    op.drop_index(op.f('ix_keys_tenant_id'), table_name='keys')
    op.drop_index(op.f('ix_keys_connection_id'), table_name='keys')
    op.drop_index(op.f('ix_keys_app_id'), table_name='keys')
    op.drop_table('keys')
    op.drop_index('uq_deployments_subdomain', table_name='deployments', postgresql_where=sa.text("status <> 'destroyed'"))
    op.drop_index('uq_deployments_slug', table_name='deployments', postgresql_where=sa.text("status <> 'destroyed'"))
    op.drop_index(op.f('ix_deployments_tool_id'), table_name='deployments')
    op.drop_index(op.f('ix_deployments_status'), table_name='deployments')
    op.drop_index('ix_deployments_newest', table_name='deployments')
    op.drop_index(op.f('ix_deployments_authorization_id'), table_name='deployments')
    op.drop_table('deployments')
    op.drop_index('uq_bindings_exclusive_connection', table_name='app_connection_bindings', postgresql_where=sa.text('is_exclusive'))
    op.drop_index(op.f('ix_app_connection_bindings_connection_id'), table_name='app_connection_bindings')
    op.drop_table('app_connection_bindings')
    op.drop_index('uq_tool_releases_version', table_name='tool_releases')
    op.drop_index('uq_tool_releases_active', table_name='tool_releases', postgresql_where=sa.text("status = 'active'"))
    op.drop_table('tool_releases')
    op.drop_index(op.f('ix_apps_tenant_id'), table_name='apps')
    op.drop_table('apps')
    op.drop_table('wallets')
    op.drop_index(op.f('ix_tenant_members_user_id'), table_name='tenant_members')
    op.drop_table('tenant_members')
    op.drop_table('tenant_integrations')
    op.drop_table('stripe_customers')
    op.drop_index(op.f('ix_credits_tenant_id'), table_name='credits')
    op.drop_table('credits')
    op.drop_index('uq_connections_pool', table_name='connections', postgresql_where=sa.text("profile = 'vendo_managed_pool' AND status <> 'revoked'"))
    op.drop_index(op.f('ix_connections_tenant_id'), table_name='connections')
    op.drop_table('connections')
    op.drop_table('apps_catalog')
    op.drop_index(op.f('ix_user_sessions_user_id'), table_name='user_sessions')
    op.drop_table('user_sessions')
    op.drop_index('uq_tenants_owner_id', table_name='tenants', postgresql_where=sa.text('NOT is_test'))
    op.drop_table('tenants')
    op.drop_table('worker_heartbeats')
    op.drop_index('uq_users_issuer_subject', table_name='users')
    op.drop_index('uq_users_email_local', table_name='users', postgresql_where=sa.text('issuer IS NULL'))
    op.drop_table('users')
    op.drop_table('tool_templates')
    op.drop_table('integrations')
    op.drop_table('idempotency_keys')
