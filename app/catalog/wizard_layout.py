"""The wizard's layout: its shape, what it leaves out, and reading a stored one (manifest.md 8)."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from app.catalog.schema_check import find_schema_problems, pointer

log = logging.getLogger(__name__)

EVERYTHING = "*"
SECTION_TYPES = (
    "deployment_name",
    "workspace",
    "admin_credentials",
    "wizard_inputs",
    "integration",
    "tool_extras",
)
_NAMES = {"type": "array", "items": {"type": "string"}}
WIZARD_LAYOUT_SCHEMA: dict[str, Any] = {
    "type": ["object", "null"],
    "required": ["version", "subSteps"],
    "properties": {
        "version": {"const": 1},
        "subSteps": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["id", "title", "sections"],
                "properties": {
                    "id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                    "title": {"type": "string", "minLength": 1, "maxLength": 60},
                    "description": {"type": "string"},
                    "optional": {"type": "boolean"},
                    "sections": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "required": ["type"],
                            "properties": {
                                "type": {"enum": list(SECTION_TYPES)},
                                "groups": _NAMES,
                                "providers": _NAMES,
                            },
                        },
                    },
                },
            },
        },
    },
}


def find_layout_problems(layout: object) -> list[str]:
    """Return every problem of a layout, pointers starting at `/wizardLayout`."""
    wrapper = {"properties": {"wizardLayout": WIZARD_LAYOUT_SCHEMA}}
    return [*find_schema_problems(wrapper, {"wizardLayout": layout}), *find_repeated_ids(layout)]


def read_wizard_layout(stored: object, slug: str) -> dict[str, Any] | None:
    """Return a stored layout, or None (logged) when it no longer validates: then there is one page."""
    if not isinstance(stored, dict):
        return None
    if problems := find_layout_problems(stored):
        log.warning("wizard layout of %s is not served: %s", slug, problems[0])
        return None
    return stored


def find_unplaced_inputs(manifest: Mapping[str, Any]) -> list[str]:
    """List the keys of inputs that no section of a well-formed layout renders."""
    steps = {entry["key"]: entry.get("wizardStep") for entry in manifest.get("userInputs") or []}
    groups = {name for section in _input_sections(manifest) for name in section.get("groups", [EVERYTHING])}
    if manifest.get("wizardLayout") is None or EVERYTHING in groups:
        return []
    return [key for key, step in steps.items() if step not in groups]


def has_sweep(manifest: Mapping[str, Any]) -> bool:
    """Say whether some section of a well-formed layout takes every input that was not placed before."""
    return any(EVERYTHING in section.get("groups", [EVERYTHING]) for section in _input_sections(manifest))


def _input_sections(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    layout = manifest.get("wizardLayout") or {}
    for step in layout.get("subSteps", []):
        yield from (section for section in step["sections"] if section["type"] == "wizard_inputs")


def find_repeated_ids(layout: object) -> Iterator[str]:
    """Yield a problem for every sub-step whose id an earlier one has."""
    steps = layout.get("subSteps") if isinstance(layout, dict) else None
    seen: set[str] = set()
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        step_id = step.get("id") if isinstance(step, dict) else None
        if isinstance(step_id, str) and step_id in seen:
            yield f"{pointer(['wizardLayout', 'subSteps', index, 'id'])} is used by an earlier sub-step"
        seen.add(str(step_id))
