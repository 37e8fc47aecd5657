"""The tool's own `vendo.yaml`: what it may say, and what is wrong with one (manifest.md 1)."""

from typing import Any

import yaml

from app.catalog.schema_check import find_schema_problems, pointer

NAME_PATTERN = "^[a-z][a-z0-9-]{1,62}[a-z0-9]$"
WORD_PATTERN = "^[a-z][a-z0-9_-]*$"
VARIABLE_PATTERN = "^[A-Z][A-Z0-9_]*$"
RUNTIMES = ("python", "node", "go", "rust", "ruby", "java", "other")
MAX_CHARACTERS = 256 * 1024


def unique_strings(pattern: str) -> dict[str, Any]:
    """Describe an array of distinct strings that all match the pattern."""
    return {"type": "array", "uniqueItems": True, "items": {"type": "string", "pattern": pattern}}


VENDO_YAML_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "vendo.yaml",
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "version"],
    "properties": {
        "name": {"type": "string", "pattern": NAME_PATTERN},
        "version": {"const": 1},
        "runtime": {"enum": list(RUNTIMES)},
        "integrations": unique_strings(WORD_PATTERN),
        "env": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "required": unique_strings(VARIABLE_PATTERN),
                "optional": unique_strings(VARIABLE_PATTERN),
            },
        },
        "health": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "path": {"type": "string", "pattern": "^/", "default": "/healthz"},
                "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            },
        },
        "restart_on": unique_strings(WORD_PATTERN),
    },
}


class _AliasFreeLoader(yaml.SafeLoader):
    """A safe loader without aliases, because a few nested ones expand to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", mark)
        return super().compose_node(parent, index)


def validate_vendo_yaml(text: str) -> list[str]:
    """Return every problem of a `vendo.yaml`, one line each; an empty list means that it is clean."""
    if len(text) > MAX_CHARACTERS:
        return [f"file is longer than {MAX_CHARACTERS} characters"]
    try:
        # The loader is a SafeLoader: it builds plain values only.
        document = yaml.load(text, Loader=_AliasFreeLoader)  # noqa: S506
    except RecursionError:
        return ["not valid YAML: nested too deeply"]
    except (yaml.YAMLError, ValueError) as error:
        return [f"not valid YAML: {_where_and_why(error)}"]
    if document is None or document == "":
        return ["file is empty"]
    if not isinstance(document, dict):
        return ["file is not a mapping"]
    return [*find_schema_problems(VENDO_YAML_SCHEMA, document), *_names_listed_twice(document)]


def _where_and_why(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return str(error).splitlines()[0]


def _names_listed_twice(document: dict[Any, Any]) -> list[str]:
    env = document.get("env")
    required, optional = (_list_of(env, key) for key in ("required", "optional"))
    return [
        f"{pointer(['env', 'optional', index])} is also listed in env.required"
        for index, name in enumerate(optional)
        if name in required
    ]


def _list_of(env: object, key: str) -> list[Any]:
    names = env.get(key) if isinstance(env, dict) else None
    return names if isinstance(names, list) else []
