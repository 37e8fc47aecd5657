"""The wizard's inputs: their catalog shape, and whether a tenant's values satisfy them (manifest.md 8)."""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.catalog.bounded_regex import match_all
from app.catalog.schema_check import find_text_troubles

Scalar = str | int | float | bool

MAX_KEYS = 200
MAX_KEY_CHARACTERS = 128
MAX_VALUE_CHARACTERS = 10_000
_KEY = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_WIZARD_TYPES = {"number": "number", "boolean": "boolean"}


def to_text(value: Scalar) -> str:
    """Write a value as a variable holds it: true or false, numbers in plain decimal without an exponent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # A JSON reader elsewhere takes 1.0 and 1 for one number, so both are written "1".
        return str(int(value)) if value.is_integer() else f"{Decimal(repr(value)):f}"
    return str(value)


def wizard_inputs(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return `userInputs` in the catalog's shape, with the derived `type` and `required`."""
    return [_wizard_input(entry) for entry in manifest.get("userInputs") or []]


def _wizard_input(entry: Mapping[str, Any]) -> dict[str, Any]:
    filled = {"label": entry["key"], "inputType": "text", "category": "user_optional", **entry}
    kind = _WIZARD_TYPES.get(filled["inputType"], "string")
    return {**filled, "type": kind, "required": is_required(entry)}


def is_required(entry: Mapping[str, Any]) -> bool:
    return entry.get("category") == "user_required"


def check_user_variables(
    manifest_inputs: Sequence[Mapping[str, Any]], values: Mapping[str, Scalar], reserved: Collection[str]
) -> list[str]:
    """Return why the values may not be deployed, one line each; an empty list accepts them."""
    declared = {entry["key"]: entry for entry in manifest_inputs}
    unreadable = list(_shape_problems(values))
    if unreadable:
        return unreadable
    return [
        *_reserved_problems(values, declared, reserved),
        *_missing_problems(declared, values),
        *_value_problems(declared, {key: to_text(value) for key, value in values.items()}),
    ]


def _shape_problems(values: Mapping[str, Any]) -> Iterator[str]:
    if len(values) > MAX_KEYS:
        yield f"at most {MAX_KEYS} variables"
    for key, value in values.items():
        if not _KEY.fullmatch(key) or len(key) > MAX_KEY_CHARACTERS:
            yield f"{key[:MAX_KEY_CHARACTERS]} is not a variable name"
        elif not isinstance(value, str | int | float):
            yield f"{key} must be a string, a number or a boolean"
        elif isinstance(value, str) and len(value) > MAX_VALUE_CHARACTERS:
            yield f"{key} is longer than {MAX_VALUE_CHARACTERS} characters"
        elif isinstance(value, str):
            yield from (f"{key} {reason}" for reason in find_text_troubles(value))
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{key} must be a finite number"


def _reserved_problems(
    values: Mapping[str, Any], declared: Mapping[str, Any], reserved: Collection[str]
) -> list[str]:
    return [f"{key} is set by the platform" for key in values if key in reserved and key not in declared]


def _missing_problems(declared: Mapping[str, Mapping[str, Any]], values: Mapping[str, Scalar]) -> list[str]:
    return [
        f"{key} is required"
        for key, entry in declared.items()
        if is_required(entry) and to_text(values.get(key, entry.get("default", ""))) == ""
    ]


def _value_problems(declared: Mapping[str, Mapping[str, Any]], texts: Mapping[str, str]) -> Iterator[str]:
    # Empty text means "not set" for every kind of input.
    given = {key: text for key, text in texts.items() if key in declared and text != ""}
    patterns: list[tuple[str, str]] = []
    for key, text in given.items():
        yield from (f"{key} {reason}" for reason in find_value_problems(declared[key], text))
        if pattern := _validations(declared[key]).get("pattern"):
            patterns.append((key, pattern))
    matches = match_all([(pattern, given[key]) for key, pattern in patterns])
    for (key, pattern), is_match in zip(patterns, matches, strict=True):
        if not is_match:
            yield f'{key} must match pattern "{pattern}"'


def find_value_problems(entry: Mapping[str, Any], text: str) -> Iterator[str]:
    """Yield what is wrong with the text of one input, its `pattern` aside."""
    kind = entry.get("inputType", "text")
    if kind == "select":
        allowed = [to_text(option["value"]) for option in entry.get("options") or []]
        if text not in allowed:
            yield f"must be one of {', '.join(allowed)}"
    elif kind == "boolean" and text not in ("true", "false"):
        yield "must be true or false"
    elif kind == "number" and not _NUMBER.fullmatch(text):
        yield "must be a number"
    yield from _limit_problems(_validations(entry), text)


def _limit_problems(validations: Mapping[str, Any], text: str) -> Iterator[str]:
    if len(text) < validations.get("minLength", 0):
        yield f"must not be shorter than {validations['minLength']} characters"
    if len(text) > validations.get("maxLength", len(text)):
        yield f"must not be longer than {validations['maxLength']} characters"
    if not _NUMBER.fullmatch(text):
        return
    number = Decimal(text)
    if "min" in validations and number < Decimal(str(validations["min"])):
        yield f"must be >= {to_text(validations['min'])}"
    if "max" in validations and number > Decimal(str(validations["max"])):
        yield f"must be <= {to_text(validations['max'])}"


def _validations(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return entry.get("validations") or {}
