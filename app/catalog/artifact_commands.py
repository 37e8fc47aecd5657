"""`flask artifacts`: bring build artifacts into the store."""

from pathlib import Path

import click
from flask.cli import with_appcontext

from app.catalog.artifact_store import store_artifact
from app.core.errors import InvalidError
from app.http import platform


@click.group("artifacts")
def artifacts() -> None:
    """Store what tools are built from."""


@artifacts.command()
@click.argument("key")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def put(key: str, path: Path) -> None:
    """Store the gzip tar at PATH under KEY, the name that `buildArtifact` uses."""
    try:
        stored = store_artifact(platform().settings.artifact_path, key, path)
    except InvalidError as error:
        raise click.ClickException(error.message) from None
    click.echo(f"stored {key} ({stored.stat().st_size} bytes)")
