"""Which slices the web process serves: one line per blueprint."""

from flask import Flask

from app.billing.routes import bp as billing
from app.catalog.routes import bp as catalog
from app.deployments.routes import bp as deployments
from app.identity.routes import bp as identity
from app.web.routes import bp as web


def init_slices(app: Flask) -> None:
    for blueprint in (identity, catalog, billing, deployments, web):
        app.register_blueprint(blueprint)
