"""The template manifest: is it fit to publish and run, and what does it mean with every default filled in."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from app.catalog.manifest_defaults import normalize_manifest
from app.catalog.manifest_rules import RULES, enumerated_hooks, indexed
from app.catalog.manifest_schema import MANIFEST_SCHEMA
from app.catalog.schema_check import (
    find_schema_problems,
    find_unknown_keys,
    find_unstorable_values,
    pointer,
)
from app.catalog.user_inputs import find_value_problems, to_text
from app.catalog.wizard_layout import find_repeated_ids, find_unplaced_inputs, has_sweep

__all__ = ["ManifestReport", "normalize_manifest", "validate_manifest"]


@dataclass(frozen=True)
class ManifestReport:
    """What is wrong (the manifest is refused) and what is odd (it is taken)."""

    problems: list[str]
    warnings: list[str]

    @property
    def is_valid(self) -> bool:
        return not self.problems


def validate_manifest(document: object, *, known_providers: Collection[str] | None) -> ManifestReport:
    """Report every problem and warning at once; `known_providers` None leaves the providers unchecked."""
    if not isinstance(document, dict):
        return ManifestReport(["/ must be object"], [])
    problems = [
        *find_schema_problems(MANIFEST_SCHEMA, document),
        *find_unstorable_values(document),
        *(line for rule in RULES for line in rule(document)),
        *find_repeated_ids(document.get("wizardLayout")),
        *_unknown_providers(document, known_providers),
    ]
    # Warnings read the manifest as a well-formed one, so they wait until it is.
    return ManifestReport(list(dict.fromkeys(problems)), [] if problems else list(_warnings(document)))


def _unknown_providers(manifest: dict[str, Any], known: Collection[str] | None) -> Iterator[str]:
    for index, entry in indexed(manifest, "integrations"):
        provider = entry.get("provider")
        if known is not None and isinstance(provider, str) and provider not in known:
            yield f"{pointer(['integrations', index, 'provider'])} {provider} is not an enabled integration"


def _warnings(manifest: dict[str, Any]) -> Iterator[str]:
    for where in find_unknown_keys(MANIFEST_SCHEMA, manifest):
        yield f"{where} unknown key, ignored"
    for index, hook in enumerated_hooks(manifest):
        if "path" in hook and "path" not in hook.get("args", {}):
            yield f"{pointer(['deployHooks', 'afterDeploy', index, 'path'])} is read as args.path"
    yield from _default_warnings(manifest)
    for key in find_unplaced_inputs(manifest):
        yield f"/wizardLayout no section renders the input {key}"
    if manifest.get("wizardLayout") is not None and manifest.get("userInputs") and not has_sweep(manifest):
        yield '/wizardLayout no wizard_inputs section with groups ["*"]'


def _default_warnings(manifest: dict[str, Any]) -> Iterator[str]:
    for index, entry in indexed(manifest, "userInputs"):
        text = to_text(entry.get("default", ""))
        for reason in find_value_problems(entry, text) if text else ():
            yield f"{pointer(['userInputs', index, 'default'])} {reason}"
