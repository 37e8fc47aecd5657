"""`flask db`: bring the database to the newest migration, or say where it stands."""

from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from flask.cli import with_appcontext

from app.http import platform

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


@click.group("db")
def db() -> None:
    """Migrate the database."""


@db.command()
@with_appcontext
def upgrade() -> None:
    """Apply every migration that has not run yet."""
    command.upgrade(alembic_config(platform().settings.database_url), "head")
    click.echo("database is up to date")


@db.command()
@with_appcontext
def current() -> None:
    """Show the newest migration that has run."""
    command.current(alembic_config(platform().settings.database_url))


def alembic_config(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["database_url"] = database_url
    return config
