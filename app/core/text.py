"""Text that PostgreSQL refuses, found before it turns into an error of the database."""

from collections.abc import Mapping
from typing import Any


def has_unstorable_text(value: Any) -> bool:
    """Whether a JSON value holds NUL or half of a surrogate pair, at any depth, keys included."""
    if isinstance(value, str):
        return "\x00" in value or any(0xD800 <= ord(char) <= 0xDFFF for char in value)
    if isinstance(value, Mapping):
        return any(has_unstorable_text(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(has_unstorable_text(part) for part in value)
