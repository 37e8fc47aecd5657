"""Values that PostgreSQL refuses, found before they turn into an error of the database.

Every walk keeps its own stack: how deep a caller nests must not decide whether the server answers.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any


def has_unstorable_text(value: Any) -> bool:
    """Whether a JSON value holds NUL or half of a surrogate pair, at any depth, keys included."""
    return any(isinstance(leaf, str) and _is_unstorable(leaf) for leaf in _leaves(value))


def has_unstorable_number(value: Any) -> bool:
    """Whether a JSON value holds a number that no double holds, such as 1e999, at any depth."""
    return any(isinstance(leaf, float) and not math.isfinite(leaf) for leaf in _leaves(value))


def is_deeper_than(value: Any, levels: int) -> bool:
    """Whether a JSON value nests more than `levels` arrays and objects."""
    layer = [value]
    for _ in range(levels + 1):
        layer = [child for item in layer for child in _children(item)]
        if not layer:
            return False
    return True


def _is_unstorable(text: str) -> bool:
    return "\x00" in text or any(0xD800 <= ord(char) <= 0xDFFF for char in text)


def _leaves(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping | list):
            waiting.extend(_children(item))
        else:
            yield item


def _children(item: Any) -> list[Any]:
    if isinstance(item, Mapping):
        return [*item.keys(), *item.values()]
    return item if isinstance(item, list) else []
