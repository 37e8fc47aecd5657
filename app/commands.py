"""The flask CLI: one group per slice, and `flask db`."""

from flask import Flask

from app.billing.commands import billing
from app.catalog.artifact_commands import artifacts
from app.catalog.commands import integrations, tools
from app.database_commands import db
from app.identity.commands import users


def init_commands(app: Flask) -> None:
    for group in (db, users, tools, integrations, artifacts, billing):
        app.cli.add_command(group)
