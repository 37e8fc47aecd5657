"""Reading what an operator hands to the command line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from app.catalog.manifest_schema import SEMVER_PATTERN
from app.catalog.schema_check import compile_schema_pattern, find_unstorable_values
from app.core.errors import InvalidError

MAX_BYTES = 1024 * 1024


class FileError(InvalidError):
    """The file cannot be read, or holds no JSON object."""


def read_text(path: Path) -> str:
    """Return the text of a file; raises FileError."""
    try:
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            raise FileError(f"{path} is larger than {MAX_BYTES} bytes")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise FileError(f"{path} could not be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileError(f"{path} is not UTF-8 text") from None


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file; raises FileError."""
    try:
        document = json.loads(read_text(path), parse_constant=_refuse_constant)
    except RecursionError:
        raise FileError(f"{path} is nested too deeply") from None
    except ValueError as error:
        raise FileError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise FileError(f"{path} holds no JSON object")
    return document


def read_marketing(path: Path) -> dict[str, Any]:
    """Return the marketing keys of a file; raises FileError."""
    marketing = read_json_object(path)
    if problems := list(find_unstorable_values(marketing)):
        raise FileError("\n".join(problems))
    return marketing


def check_place(document: Mapping[str, Any], path: Path) -> list[str]:
    """Return how a manifest disagrees with a path of the form `{slug}/{version}.json`; others say nothing."""
    place = path.resolve()
    if place.suffix != ".json" or not compile_schema_pattern(SEMVER_PATTERN).search(place.stem):
        return []
    said = {"slug": ("folder", place.parent.name), "version": ("file", place.stem)}
    return [
        f"/{key} must equal the {what} name {name}"
        for key, (what, name) in said.items()
        if document.get(key) != name
    ]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
