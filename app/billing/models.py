"""The ledger's core: an append-only `credits`, and the wallet that is always its sum."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Numeric, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, created_now, uuid_key

MICROS = 1_000_000


class Credit(Base):
    """One signed movement in micros; triggers refuse UPDATE, DELETE and TRUNCATE."""

    __tablename__ = "credits"
    __table_args__ = (CheckConstraint("amount_micros <> 0", name="not_zero"),)

    id: Mapped[UUID] = uuid_key()
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), index=True)
    amount_micros: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(Text)
    idempotency_key: Mapped[str] = mapped_column(Text, unique=True)
    note: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = created_now()


class Wallet(Base):
    """The roll-up of a tenant's credits, kept by a trigger in the same transaction."""

    __tablename__ = "wallets"
    __table_args__ = (CheckConstraint("held_micros >= 0", name="held_not_negative"),)

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    balance_usd: Mapped[Decimal] = mapped_column(Numeric(12, 6), server_default=text("0"))
    held_micros: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))

    @property
    def balance_micros(self) -> int:
        return int(self.balance_usd * MICROS)


class StripeCustomer(Base):
    """That billing was set up; `manual_<tenant id>` where no payment provider is used."""

    __tablename__ = "stripe_customers"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    stripe_customer_id: Mapped[str] = mapped_column(Text, unique=True)
    email: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = created_now()
