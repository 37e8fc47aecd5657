"""The ledger never changes, the wallet is its sum, and who may deploy on it."""

import dataclasses
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from app.billing.models import Credit, StripeCustomer, Wallet
from app.billing.service import (
    MAX_WALLET_MICROS,
    Balance,
    check_deploy_gate,
    grant_credits,
    read_balance,
    to_usd,
)
from app.core.config import Settings
from app.core.errors import ConflictError, InvalidError, PaymentRequiredError
from app.core.platform import Platform
from app.identity.models import Tenant
from tests.factories import Workspace, make_tenant, make_user


@pytest.fixture
def tenant(app: Flask, platform: Platform) -> Tenant:
    """A workspace that has neither billing nor credits."""
    return make_tenant(platform, make_user(platform))


def add_credit(session: Session, tenant: Tenant, micros: int) -> None:
    key = secrets.token_hex(8)
    session.add(Credit(tenant_id=tenant.id, amount_micros=micros, source="usage", idempotency_key=key))
    session.flush()


def set_up(session: Session, tenant: Tenant) -> None:
    customer = f"manual_{tenant.id}"
    session.add(StripeCustomer(tenant_id=tenant.id, stripe_customer_id=customer, email="x@y.example"))
    session.flush()


def gate(
    session: Session, settings: Settings, tenant: Tenant, is_admin: bool = False
) -> PaymentRequiredError | None:
    try:
        check_deploy_gate(session, settings, tenant, is_admin)
    except PaymentRequiredError as error:
        return error
    return None


@pytest.mark.parametrize(
    "statement",
    [update(Credit).values(amount_micros=1), delete(Credit), text("TRUNCATE credits")],
    ids=["update", "delete", "truncate"],
)
def test_the_ledger_refuses_every_change(session: Session, tenant: Tenant, statement: object) -> None:
    add_credit(session, tenant, 5)
    with pytest.raises(ProgrammingError, match="append-only"):
        session.execute(statement)  # type: ignore[call-overload]


def test_the_wallet_is_the_sum_of_the_credits(session: Session, tenant: Tenant) -> None:
    for micros in (25_000_000, -1, -3_333_333, 7, -24_000_000):
        add_credit(session, tenant, micros)
    total = session.scalar(select(func.sum(Credit.amount_micros)).where(Credit.tenant_id == tenant.id))
    assert read_balance(session, tenant.id).wallet_micros == total == -2_333_327


def test_credits_at_once_all_count(platform: Platform, tenant: Tenant) -> None:
    def earn(number: int) -> None:
        with platform.database.transaction() as session:
            add_credit(session, tenant, number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(earn, range(1, 41)))
    with platform.database.session() as session:
        assert read_balance(session, tenant.id).wallet_micros == 820


def test_a_tenant_without_a_wallet_has_nothing(session: Session, tenant: Tenant) -> None:
    assert read_balance(session, tenant.id) == Balance(0, 0)


@pytest.mark.parametrize(("wallet", "held", "left"), [(7, 2, 5), (7, 7, 0), (7, 9, 0), (-7, 0, 0)])
def test_what_is_left_never_shows_below_zero(wallet: int, held: int, left: int) -> None:
    assert Balance(wallet, held).available_micros == left


def test_a_tenant_without_billing_may_not_deploy(
    session: Session, settings: Settings, tenant: Tenant
) -> None:
    add_credit(session, tenant, 5_000_000)
    error = gate(session, settings, tenant)
    assert error is not None
    assert (error.message, error.code) == ("Set up billing before deploying.", "BILLING_NOT_SETUP")


@pytest.mark.parametrize(("micros", "shown"), [(0, 0), (-1, 0), (-1_250_000, -1.25), (-3_000_000, -3)])
def test_a_wallet_at_or_below_zero_may_not_deploy(
    session: Session, settings: Settings, tenant: Tenant, micros: int, shown: float
) -> None:
    set_up(session, tenant)
    if micros:
        add_credit(session, tenant, micros)
    error = gate(session, settings, tenant)
    assert error is not None
    assert (error.code, error.extras) == ("INSUFFICIENT_CREDITS", {"balance_usd": shown})
    assert error.message == "Add credits to your wallet before deploying."


def test_one_micro_passes_although_it_is_held(session: Session, settings: Settings, tenant: Tenant) -> None:
    set_up(session, tenant)
    add_credit(session, tenant, 1)
    session.execute(update(Wallet).where(Wallet.tenant_id == tenant.id).values(held_micros=1))
    assert gate(session, settings, tenant) is None


def test_admins_test_tenants_and_billing_off_skip_the_gate(
    session: Session, settings: Settings, tenant: Tenant
) -> None:
    assert gate(session, settings, tenant, is_admin=True) is None
    assert gate(session, dataclasses.replace(settings, billing_mode="off"), tenant) is None
    assert gate(session, settings, Tenant(id=tenant.id, is_test=True)) is None
    assert gate(session, settings, tenant) is not None


def test_a_grant_sets_up_manual_billing_and_fills_the_wallet(
    session: Session, settings: Settings, tenant: Tenant
) -> None:
    credit = grant_credits(session, tenant.id, 5_000_001, "welcome", secrets.token_hex(8))
    assert (credit.source, credit.note) == ("grant", "welcome")
    assert read_balance(session, tenant.id).wallet_micros == 5_000_001
    assert session.get_one(StripeCustomer, tenant.id).stripe_customer_id == f"manual_{tenant.id}"
    assert gate(session, settings, tenant) is None


def test_a_grant_counts_once_per_key(session: Session, tenant: Tenant) -> None:
    key = secrets.token_hex(8)
    first, second = (grant_credits(session, tenant.id, 5, "x", key) for _ in range(2))
    assert first.id == second.id
    assert read_balance(session, tenant.id).wallet_micros == 5


def test_grants_with_one_key_at_once_count_once(platform: Platform, tenant: Tenant) -> None:
    key = secrets.token_hex(8)

    def grant(_: int) -> None:
        with platform.database.transaction() as session:
            grant_credits(session, tenant.id, 5, "x", key)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(grant, range(8)))
    with platform.database.session() as session:
        assert read_balance(session, tenant.id).wallet_micros == 5


def test_a_key_cannot_grant_something_else(session: Session, tenant: Tenant, workspace: Workspace) -> None:
    key = secrets.token_hex(8)
    grant_credits(session, tenant.id, 5, "x", key)
    for tenant_id, micros in ((tenant.id, 6), (workspace.tenant_id, 5)):
        with pytest.raises(ConflictError, match="something else"):
            grant_credits(session, tenant_id, micros, "x", key)


@pytest.mark.parametrize("micros", [0, -1, MAX_WALLET_MICROS + 1])
def test_an_impossible_grant_is_refused(session: Session, tenant: Tenant, micros: int) -> None:
    with pytest.raises(InvalidError):
        grant_credits(session, tenant.id, micros, "x", secrets.token_hex(8))


@pytest.mark.parametrize(
    ("micros", "usd"),
    [(5_000, 0), (15_000, 0.02), (25_000, 0.02), (-4_000, 0), (7_250_000, 7.25), (10**6, 1)],
)
def test_dollars_are_rounded_half_to_even(micros: int, usd: float) -> None:
    assert to_usd(micros) == usd
    assert "-" not in str(to_usd(micros)) or usd < 0
