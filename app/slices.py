"""Which slices the web process serves: one line per blueprint."""

from flask import Flask

from app.catalog.routes import bp as catalog
from app.identity.routes import bp as identity


def init_slices(app: Flask) -> None:
    for blueprint in (identity, catalog):
        app.register_blueprint(blueprint)
