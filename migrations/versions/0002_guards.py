"""Guards that code cannot talk its way around: the ledger, the template store, two tenants in one binding."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE FUNCTION fn_credits_no_mutation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('app.allow_credits_mutation', true) = 'on' THEN
    RETURN COALESCE(OLD, NEW);
  END IF;
  RAISE EXCEPTION 'credits is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER credits_no_mutation BEFORE UPDATE OR DELETE ON credits
  FOR EACH ROW EXECUTE FUNCTION fn_credits_no_mutation();
CREATE TRIGGER credits_no_truncate BEFORE TRUNCATE ON credits
  FOR EACH STATEMENT EXECUTE FUNCTION fn_credits_no_mutation();

CREATE FUNCTION sync_wallet_on_credit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO wallets (tenant_id, balance_usd) VALUES (NEW.tenant_id, NEW.amount_micros / 1000000.0)
  ON CONFLICT (tenant_id) DO UPDATE SET balance_usd = wallets.balance_usd + NEW.amount_micros / 1000000.0;
  RETURN NEW;
END $$;
CREATE TRIGGER credits_sync_wallet AFTER INSERT ON credits
  FOR EACH ROW EXECUTE FUNCTION sync_wallet_on_credit();

CREATE FUNCTION fn_template_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a published template never changes' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER tool_templates_immutable BEFORE UPDATE OR DELETE ON tool_templates
  FOR EACH ROW EXECUTE FUNCTION fn_template_immutable();

CREATE FUNCTION fn_binding_one_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT tenant_id FROM apps WHERE id = NEW.app_id)
     IS DISTINCT FROM (SELECT tenant_id FROM connections WHERE id = NEW.connection_id) THEN
    RAISE EXCEPTION 'an app and its connection belong to one tenant' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER bindings_one_tenant BEFORE INSERT OR UPDATE ON app_connection_bindings
  FOR EACH ROW EXECUTE FUNCTION fn_binding_one_tenant();
"""

DOWNGRADE = """
DROP TRIGGER bindings_one_tenant ON app_connection_bindings;
DROP FUNCTION fn_binding_one_tenant();
DROP TRIGGER tool_templates_immutable ON tool_templates;
DROP FUNCTION fn_template_immutable();
DROP TRIGGER credits_sync_wallet ON credits;
DROP FUNCTION sync_wallet_on_credit();
DROP TRIGGER credits_no_truncate ON credits;
DROP TRIGGER credits_no_mutation ON credits;
DROP FUNCTION fn_credits_no_mutation();
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute(DOWNGRADE)
