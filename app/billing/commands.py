"""`flask billing`: credits by hand, and what a workspace has."""

import re
import secrets
from decimal import Decimal
from uuid import UUID

import click
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from app.billing.models import MICROS
from app.billing.service import grant_credits, is_set_up, read_balance
from app.core.errors import BerthError
from app.http import platform
from app.identity.models import Tenant
from app.identity.tenants import find_tenant_by_slug

_UUID = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@click.group("billing")
def billing() -> None:
    """Grant credits and read wallets."""


@billing.command()
@click.argument("tenant")
@click.argument("usd")
@click.option("--note", required=True, help="Why, for the ledger.")
@click.option("--key", help="The same key grants once, however often the command is repeated.")
@with_appcontext
def grant(tenant: str, usd: str, note: str, key: str | None) -> None:
    """Add USD to the wallet of TENANT (slug or id)."""
    micros = _to_micros(usd)
    try:
        with platform().database.transaction() as session:
            found = _get_tenant(session, tenant)
            grant_credits(session, found.id, micros, note, key or secrets.token_hex(16))
            balance = read_balance(session, found.id)
    except BerthError as error:
        raise click.ClickException(error.message) from None
    click.echo(f"{found.slug}: {_to_text(balance.wallet_micros)} USD")


@billing.command()
@click.argument("tenant")
@with_appcontext
def show(tenant: str) -> None:
    """Print the wallet of TENANT (slug or id)."""
    with platform().database.transaction() as session:
        found = _get_tenant(session, tenant)
        balance = read_balance(session, found.id)
        state = "set up" if is_set_up(session, found.id) else "not set up"
    held = _to_text(balance.held_micros)
    click.echo(f"{found.slug}: {_to_text(balance.wallet_micros)} USD, {held} held, billing {state}")


def _get_tenant(session: Session, slug_or_id: str) -> Tenant:
    tenant = find_tenant_by_slug(session, slug_or_id)
    if tenant is None and _UUID.fullmatch(slug_or_id):
        tenant = session.get(Tenant, UUID(slug_or_id))
    if tenant is None:
        raise click.ClickException(f"no workspace {slug_or_id!r}")
    return tenant


def _to_micros(usd: str) -> int:
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", usd):
        raise click.BadParameter("must be a decimal number with at most 6 decimals", param_hint="USD")
    return int(Decimal(usd) * MICROS)


def _to_text(micros: int) -> str:
    return f"{Decimal(micros) / MICROS:.6f}"
