"""The second wall: a narrowed transaction sees its own tenant's rows, in every table that has any."""

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.platform import Platform
from app.core.walls import narrow_to_tenant, narrow_to_user
from tests.factories import make_workspace

BELONGING = """
SELECT c.table_name, p.relrowsecurity AND p.relforcerowsecurity
FROM information_schema.columns c JOIN pg_class p ON p.oid = c.table_name::regclass
WHERE c.table_schema = 'public' AND c.column_name IN ('tenant_id', 'deployment_id', 'app_id', 'operation_id')
GROUP BY 1, 2
"""
# Who belongs where is what the wall itself asks; the others hold no tenant's content.
UNWALLED = {"tenant_members", "tenant_integrations", "network_subnets", "host_ports"}


def test_every_table_of_a_tenant_has_a_forced_wall(session: Session) -> None:
    walls = {row[0]: row[1] for row in session.execute(text(BELONGING))}
    assert {name for name, has_wall in walls.items() if not has_wall} == UNWALLED


@pytest.mark.parametrize("table", ["credits", "wallets", "stripe_customers"])
def test_narrowed_transaction_sees_only_its_own_rows(
    app: Flask, platform: Platform, session: Session, table: str
) -> None:
    mine, other = make_workspace(app, platform), make_workspace(app, platform)
    narrow_to_user(session, mine.user_id)
    seen = set(session.execute(text(f"SELECT tenant_id FROM {table}")).scalars())
    assert mine.tenant_id in seen
    assert other.tenant_id not in seen


def test_a_key_narrows_to_its_tenant(app: Flask, platform: Platform, session: Session) -> None:
    mine = make_workspace(app, platform)
    make_workspace(app, platform)
    narrow_to_tenant(session, mine.tenant_id)
    assert set(session.execute(text("SELECT tenant_id FROM credits")).scalars()) == {mine.tenant_id}


def test_narrowing_ends_with_the_transaction(app: Flask, platform: Platform) -> None:
    mine, other = make_workspace(app, platform), make_workspace(app, platform)
    with platform.database.session() as session:
        narrow_to_user(session, mine.user_id)
        session.commit()
        seen = set(session.execute(text("SELECT tenant_id FROM credits")).scalars())
    assert other.tenant_id in seen
