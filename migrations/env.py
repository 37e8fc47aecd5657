"""Alembic's entry: migrations run online, under one advisory lock, so that two starts do not race."""

from alembic import context
from sqlalchemy import create_engine, text

from app.core.config import load_settings
from app.models import metadata

LOCK = 0x42657274


def run() -> None:
    url = context.config.attributes.get("database_url") or load_settings().database_url
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg2://", 1))
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
        with context.begin_transaction():
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            context.run_migrations()
    engine.dispose()


run()
