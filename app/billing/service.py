"""The wallet: what a tenant has, who may deploy on it, and credits that an operator grants."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.billing.models import MICROS, Credit, StripeCustomer, Wallet
from app.core.config import Settings
from app.core.errors import ConflictError, InvalidError, PaymentRequiredError
from app.identity.models import Tenant, User

GRANT = "grant"
# What `numeric(12,6)` can hold.
MAX_WALLET_MICROS = 999_999_999_999


@dataclass(frozen=True)
class Balance:
    """The sum of all credits, and how much of it open holds have reserved."""

    wallet_micros: int
    held_micros: int

    @property
    def available_micros(self) -> int:
        return max(0, self.wallet_micros - self.held_micros)


def read_balance(session: Session, tenant_id: UUID) -> Balance:
    """The tenant's wallet as committed; a tenant without one has nothing."""
    wallet = session.get(Wallet, tenant_id, populate_existing=True)
    return Balance(wallet.balance_micros, wallet.held_micros) if wallet else Balance(0, 0)


def is_set_up(session: Session, tenant_id: UUID) -> bool:
    return session.get(StripeCustomer, tenant_id) is not None


def check_deploy_gate(session: Session, settings: Settings, tenant: Tenant, principal_is_admin: bool) -> None:
    """Let a tenant deploy that has set up billing and owns more than nothing.

    Raises PaymentRequiredError `BILLING_NOT_SETUP` or `INSUFFICIENT_CREDITS` (billing.md 12).
    """
    if settings.billing_mode == "off" or tenant.is_test or principal_is_admin:
        return
    if not is_set_up(session, tenant.id):
        raise PaymentRequiredError("Set up billing before deploying.", code="BILLING_NOT_SETUP")
    wallet_micros = read_balance(session, tenant.id).wallet_micros
    if wallet_micros <= 0:
        raise PaymentRequiredError(
            "Add credits to your wallet before deploying.",
            code="INSUFFICIENT_CREDITS",
            extras={"balance_usd": to_usd(wallet_micros)},
        )


def grant_credits(session: Session, tenant_id: UUID, micros: int, note: str, idempotency_key: str) -> Credit:
    """Add credits by hand, once per key, and set up manual billing where nothing is.

    Raises InvalidError for an amount that is not above zero or overflows the wallet, ConflictError
    `idempotency_conflict` when the key granted something else before.
    """
    if micros <= 0:
        raise InvalidError("The amount must be above zero.", code="INVALID_AMOUNT")
    if read_balance(session, tenant_id).wallet_micros + micros > MAX_WALLET_MICROS:
        raise InvalidError("The wallet cannot hold that much.", code="AMOUNT_TOO_LARGE")
    _ensure_customer(session, tenant_id)
    key = f"{GRANT}_{idempotency_key}"
    values = {"tenant_id": tenant_id, "amount_micros": micros, "source": GRANT, "note": note}
    statement = insert(Credit).values(idempotency_key=key, **values)
    session.execute(statement.on_conflict_do_nothing(index_elements=["idempotency_key"]))
    credit = session.execute(select(Credit).where(Credit.idempotency_key == key)).scalar_one()
    if (credit.tenant_id, credit.amount_micros) != (tenant_id, micros):
        raise ConflictError("This key granted something else before.", code="idempotency_conflict")
    return credit


def to_usd(micros: int) -> int | float:
    """Dollars for display: half-to-even to the cent, a whole number without a fraction."""
    cents = (Decimal(micros) / MICROS).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return int(cents) if cents == cents.to_integral_value() else float(cents)


def _ensure_customer(session: Session, tenant_id: UUID) -> None:
    owner_email = (
        select(User.email)
        .join(Tenant, Tenant.owner_id == User.id)
        .where(Tenant.id == tenant_id)
        .scalar_subquery()
    )
    statement = insert(StripeCustomer).values(
        tenant_id=tenant_id, stripe_customer_id=f"manual_{tenant_id}", email=owner_email
    )
    session.execute(statement.on_conflict_do_nothing(index_elements=["tenant_id"]))
