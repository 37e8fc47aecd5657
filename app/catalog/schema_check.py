"""Check a document against a JSON Schema and report every problem as "pointer reason"."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError, validators

Schema = Mapping[str, Any]


def compile_schema_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a schema pattern with the meaning it has elsewhere: ASCII classes, `$` only at the very end."""
    exact = pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith(r"\$") else pattern
    return re.compile(exact, re.ASCII)


def _check_pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not compile_schema_pattern(pattern).search(instance):
        yield ValidationError("pattern")


def _is_plain_integer(_checker: Any, instance: Any) -> bool:
    return isinstance(instance, int) and not isinstance(instance, bool)


# The library's own messages print the whole instance, which may be huge; the reasons below never do.
_Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    validators={"pattern": _check_pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_plain_integer),
)


def pointer(path: Sequence[object]) -> str:
    """Write a path as a JSON pointer; the root is a lone slash."""
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


_REASONS: dict[str, Callable[[Any], str]] = {
    "type": lambda types: f"must be {types if isinstance(types, str) else ' or '.join(types)}",
    "enum": lambda values: f"must be one of {', '.join(_as_text(value) for value in values)}",
    "const": lambda value: f"must be equal to constant: {_as_text(value)}",
    "pattern": lambda pattern: f'must match pattern "{pattern}"',
    "minimum": lambda bound: f"must be >= {bound}",
    "maximum": lambda bound: f"must be <= {bound}",
    "exclusiveMinimum": lambda bound: f"must be > {bound}",
    "minLength": lambda bound: f"must not be shorter than {bound} characters",
    "maxLength": lambda bound: f"must not be longer than {bound} characters",
    "minItems": lambda bound: f"must not have fewer than {bound} items",
    "uniqueItems": lambda _: "must not have duplicate items",
}


def find_schema_problems(schema: Schema, document: object) -> list[str]:
    """Return one "pointer reason" line for every way in which the document breaks the schema."""
    lines = [line for error in _Validator(schema).iter_errors(document) for line in _describe(error)]
    return list(dict.fromkeys(lines))


def _describe(error: ValidationError) -> list[str]:
    path, rule, instance = list(error.absolute_path), error.validator, cast(Any, error.instance)
    if rule == "required":
        missing = [name for name in cast(list[str], error.validator_value) if name not in instance]
        return [f"{pointer(path)} must have required property '{name}'" for name in missing]
    if rule == "additionalProperties":
        named = cast(Schema, error.schema).get("properties", {})
        return [f"{pointer([*path, key])} unknown key" for key in instance if key not in named]
    if "propertyNames" in error.absolute_schema_path:
        return [f"{pointer([*path, instance])} name {_reason(error)}"]
    return [f"{pointer(path)} {_reason(error)}"]


def _reason(error: ValidationError) -> str:
    return _REASONS[str(error.validator)](error.validator_value)


def find_unknown_keys(schema: Schema, document: object, path: tuple[object, ...] = ()) -> Iterator[str]:
    """Yield the pointer of every object key that the schema does not name."""
    if isinstance(document, dict):
        for key, value in document.items():
            child = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            if child is None and "properties" in schema:
                yield pointer([*path, key])
            elif isinstance(child, dict):
                yield from find_unknown_keys(child, value, (*path, key))
    elif isinstance(document, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(document):
            yield from find_unknown_keys(schema["items"], item, (*path, index))


def find_unstorable_values(document: object, path: tuple[object, ...] = ()) -> Iterator[str]:
    """Yield a problem for every text or number that PostgreSQL cannot hold in `jsonb`."""
    if isinstance(document, str):
        yield from (f"{pointer(path)} {reason}" for reason in find_text_troubles(document))
    elif isinstance(document, float) and not math.isfinite(document):
        yield f"{pointer(path)} must be a finite number"
    elif isinstance(document, dict):
        for key, value in document.items():
            yield from find_unstorable_values(str(key), (*path, "(key)"))
            yield from find_unstorable_values(value, (*path, key))
    elif isinstance(document, list):
        for index, item in enumerate(document):
            yield from find_unstorable_values(item, (*path, index))


def find_text_troubles(text: str) -> Iterator[str]:
    """Yield why PostgreSQL cannot hold the text."""
    if "\x00" in text:
        yield "must not contain a NUL character"
    if any("\ud800" <= character <= "\udfff" for character in text):
        yield "must not contain an unpaired surrogate"
