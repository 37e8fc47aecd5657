"""How the catalog's commands read, answer and fail."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import click
from sqlalchemy.orm import Session

from app.catalog.publishing import ManifestError
from app.core.errors import BerthError
from app.http import platform


@contextmanager
def operator_session(*, is_json: bool = False, is_dry_run: bool = False) -> Iterator[Session]:
    """One transaction; a refusal is printed and exits 1, and a dry run keeps nothing."""
    with refusals_printed(is_json=is_json), platform().database.session() as session:
        yield session
        if is_dry_run:
            session.rollback()
        else:
            session.commit()


@contextmanager
def refusals_printed(*, is_json: bool = False) -> Iterator[None]:
    """Print a refusal, one line per problem, and exit 1."""
    try:
        yield
    except ManifestError as error:
        fail(error.problems, is_json=is_json)
    except BerthError as error:
        fail([error.message or str(error)], is_json=is_json)


def fail(problems: Iterable[str], *, is_json: bool = False) -> NoReturn:
    """Print every problem and exit 1."""
    lines = list(problems)
    if is_json:
        print_json({"ok": False, "problems": lines})
    else:
        for line in lines:
            click.echo(line, err=True)
    raise SystemExit(1)


def warn(warnings: Iterable[str]) -> None:
    for line in warnings:
        click.echo(f"warning: {line}", err=True)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def print_rows(rows: list[tuple[str, ...]]) -> None:
    """Print rows with their columns aligned."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
