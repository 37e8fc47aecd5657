"""Which slices the web process serves: one line per blueprint."""

from flask import Flask

from app.billing.routes import bp as billing
from app.catalog.routes import PROVIDERS_IN_USE
from app.catalog.routes import bp as catalog
from app.connections.provider_use import list_providers_in_use
from app.deployments.action_routes import bp as actions
from app.deployments.routes import bp as deployments
from app.deployments.runtime_routes import bp as runtime
from app.edge.routes import bp as edge
from app.identity.routes import bp as identity
from app.web.routes import bp as web


def init_slices(app: Flask) -> None:
    # The catalog's wizard asks a question that only a slice to its right can answer.
    app.extensions[PROVIDERS_IN_USE] = list_providers_in_use
    for blueprint in (identity, catalog, billing, runtime, deployments, actions, edge, web):
        app.register_blueprint(blueprint)
