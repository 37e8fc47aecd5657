"""The contract's table of endpoints beside the routes that the application has."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from app.http import Doc

FOLDER = Path(__file__).parent
PARAMETER = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
ANY = "ANY"


@dataclass(frozen=True)
class Row:
    """One line of `endpoints.csv`."""

    method: str
    path: str
    auth: frozenset[str]
    success: frozenset[int]
    errors: frozenset[int]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def key(self) -> tuple[str, str]:
        return self.method, shape_of(self.path)

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.path)

    @property
    def needs_credentials(self) -> bool:
        return not self.auth & {"none", "optional_session", "state_cookie", "signature"}


@dataclass(frozen=True)
class Route:
    """One route of the application; what proxies whole requests describes itself nowhere."""

    path: str
    doc: Doc | None


def shape_of(path: str) -> str:
    """A path without the names of its parameters, by which table and application may differ."""
    return PARAMETER.sub("<>", path)


def read_rows() -> list[Row]:
    with (FOLDER / "endpoints.csv").open(newline="") as lines:
        return [_row(record) for record in csv.DictReader(lines)]


def read_pending() -> list[str]:
    return (FOLDER / "pending.txt").read_text().splitlines()


def delivered_rows() -> list[Row]:
    pending = set(read_pending())
    return [row for row in read_rows() if row.name not in pending]


def routes_of(app: Flask) -> dict[tuple[str, str], Route]:
    found = {}
    for rule in app.url_map.iter_rules():
        doc = getattr(app.view_functions[rule.endpoint], "doc", None)
        for method in (rule.methods or {ANY}) - {"HEAD", "OPTIONS"}:
            found[method, shape_of(rule.rule)] = Route(rule.rule, doc)
    return found


def fill(path: str, values: Iterable[str]) -> str:
    """A path with its parameters replaced in order."""
    given = iter(values)
    return PARAMETER.sub(lambda match: next(given), path)


def _row(record: dict[str, str]) -> Row:
    return Row(
        record["method"],
        record["path"],
        frozenset(record["auth"].split("|")),
        _statuses(record["success"]),
        _statuses(record["errors"]),
    )


def _statuses(text: str) -> frozenset[int]:
    return frozenset(int(item) for item in text.split("|") if item)
